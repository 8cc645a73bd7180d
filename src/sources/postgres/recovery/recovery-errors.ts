/** Why a recovery ended, as an error of the catalogue. */
import { HoldfastError } from '../../../errors.ts';
import { describeTarget, type RecoveryTarget } from './recovery-target.ts';
import { readLogLine, type RecoveryProgress } from './server-log.ts';

export interface FailedRecovery {
  readonly dataDirectory: string;
  readonly target: RecoveryTarget;
  readonly progress: RecoveryProgress;
  /** The last lines of the server's log. */
  readonly log: readonly string[];
}

/** `recovery-unreached` where the log ended before the target; else `recovery-failed` with what the server said and what to do. */
export function explainFailure({ dataDirectory, target, progress, log }: FailedRecovery): HoldfastError {
  const said = progress.fatal.filter((line) => !/^terminating|shutting down/.test(line));
  if (said.some((line) => line.startsWith('recovery ended before configured recovery target was reached')))
    return new HoldfastError('recovery-unreached', {
      target: describeTarget(target),
      newest: progress.lastTransaction === undefined ? 'no transaction' : `a transaction of ${progress.lastTransaction.toISOString()}`,
    });
  // What is wrong with its configuration a server says in lines of its own, before it ends for "errors".
  const before = said.some((line) => line.includes('contains errors')) ? log.flatMap(readComplaint) : [];
  const words = [...before, ...said];
  const reason = words.length > 0 ? words.slice(0, 4).join('; ') : (log.at(-1) ?? 'the server ended without a word');
  const remedy =
    remedies.find(({ form }) => form.test(reason))?.remedy ?? 'Put right what the server reports, then run the same command again';
  return new HoldfastError('recovery-failed', { path: dataDirectory, reason: reason.replace(/\.$/, ''), remedy });
}

function readComplaint(line: string): string[] {
  const { level, text } = readLogLine(line) ?? {};
  return level === 'LOG' && text !== undefined && /could not|invalid|unrecognized|syntax/.test(text) ? [text] : [];
}

const remedies: readonly { readonly form: RegExp; readonly remedy: string }[] = [
  {
    form: /requested timeline \d+ (?:does not contain|is not a child)/,
    remedy: 'Choose another --timeline, or an older base backup by naming its point',
  },
  { form: /recovery target timeline \d+ does not exist/, remedy: 'Choose a --timeline that "holdfast wal status" names' },
  { form: /resource manager with ID|could not access file/, remedy: 'Install the extension that is named, for this version of PostgreSQL' },
  {
    form: /invalid value for parameter "lc_|locale/,
    remedy: 'Install the language that is named (locale-gen), then run the same command again',
  },
  {
    form: /could not open configuration (?:file|directory)/,
    remedy: 'Put that file there, or take the line that names it out of postgresql.conf',
  },
  { form: /No space left on device/, remedy: 'Free space there, then run the same command again' },
  {
    form: /requested recovery stop point is before consistent recovery point/,
    remedy: 'Choose an older base backup by naming its point, or a later moment',
  },
  {
    form: /checkpoint record|invalid checkpoint|contrecord|database files are incompatible/,
    remedy: 'Try an older point, and run: holdfast check --read-data',
  },
];
