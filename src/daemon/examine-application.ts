/**
 * Looks how the application stands (`holdfast status`, a process of its own, for it opens the repositories), raises alarms about what is wrong, and
 * ends those about what is right again.
 */
import { reasonOf } from '../errors.ts';
import type { Alarm } from '../observe/notify/alarm.ts';
import type { Notifier } from '../observe/notify/notifier.ts';
import { tellStanding } from '../operations/notify/tell-standing.ts';
import { alarmsOfStatus, statusAlarmPrefixes } from '../operations/status/status-alarms.ts';
import { statusRecordSchema, type StatusRecord } from '../operations/status/status-record.ts';
import type { Clock } from '../util/clock.ts';
import { runSubprocess } from '../util/subprocess.ts';
import type { ListOrder as CommandOrder } from './list-points.ts';

export interface ExaminerOptions {
  readonly clock: Clock;
  /** Read anew each time. */
  readonly order: () => CommandOrder;
  /** When the application was first watched. */
  readonly since: () => Date;
  /** What is wrong with its jobs; keys that begin with `missed:` end with their runs. */
  readonly ofJobs: () => readonly Alarm[];
  readonly application: () => string;
}

export interface Examiner {
  /** What was seen last. */
  readonly latest: StatusRecord | undefined;
  /**
   * Looks again where an hour has passed since the last time, or a run has ended since then; never twice at a time. Throws where it cannot be seen
   * how things are: then alarms stay as they are.
   * @param lastEnd when the newest run ended
   */
  examine(notifier: Notifier, lastEnd: Date | undefined): Promise<void>;
}

const everyMs = 3_600_000;
/** After a run has ended others may follow: so long is waited for them, and so long after a look that failed. */
const pauseMs = 15_000;
const withinMs = 600_000;

export function createExaminer({ clock, order, since: watchedSince, ofJobs, application }: ExaminerOptions): Examiner {
  let latest: StatusRecord | undefined;
  let looked: Date | undefined;
  let isLooking = false;
  const isDue = (now: number, lastEnd: Date | undefined): boolean => {
    if (isLooking) return false;
    if (looked === undefined) return true;
    const since = now - looked.getTime();
    // A clock that was set back must not silence it.
    return since >= everyMs || since < 0 || (lastEnd !== undefined && lastEnd > looked && since >= pauseMs);
  };
  return {
    get latest() {
      return latest;
    },
    examine: async (notifier, lastEnd) => {
      const now = clock.now();
      if (!isDue(now.getTime(), lastEnd)) return;
      looked = now;
      isLooking = true;
      try {
        latest = await readStatus(order());
        tellStanding(notifier, [...alarmsOfStatus(latest, watchedSince()), ...ofJobs()], [...statusAlarmPrefixes, blindKey]);
      } catch (error) {
        notifier.raise(blindAlarm(application(), reasonOf(error), now));
        throw error;
      } finally {
        isLooking = false;
      }
    },
  };
}

async function readStatus({ program, words, environment, folder }: CommandOrder): Promise<StatusRecord> {
  const { stdout, stderr } = await runSubprocess({
    file: program.file,
    args: [...program.args, 'status', ...words, '--json', '--measures'],
    env: environment,
    folder,
    signal: AbortSignal.timeout(withinMs),
  });
  for (const line of stdout.toString('utf8').split('\n')) {
    const record = line.startsWith('{') ? statusRecordSchema.safeParse(JSON.parse(line)) : undefined;
    if (record?.success === true) return record.data;
  }
  throw new Error(`holdfast status did not say how the application stands: ${stderr.slice(-500).trim() || 'it did not answer in time'}`);
}

const blindKey = 'daemon:standing';

/** Nobody looks while this goes on: that must not look like nothing being wrong. */
function blindAlarm(application: string, reason: string, at: Date): Alarm {
  return {
    key: blindKey,
    event: 'daemon',
    severity: 'warning',
    application,
    title: 'It cannot be seen how the application stands',
    text: `${reason}. Until it can, nobody is told of objectives that are missed, of odd backups or full disks. Try it: holdfast status`,
    facts: {},
    at,
  };
}
