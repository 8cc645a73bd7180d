/** Tells people how a scheduled run ended, where no daemon does. */
import type { RunKind } from '../catalog/run-record.ts';
import { exitStatus, type ExitStatus, type HoldfastError } from '../errors.ts';
import type { Alarm } from '../observe/notify/alarm.ts';
import { tellPeople, type TellingContext } from './tell-people.ts';

export interface EndedRun {
  readonly kind: RunKind;
  readonly status: ExitStatus;
  readonly error?: HoldfastError;
  /** What could not be read or restored. */
  readonly problems: number;
  /** The first of these, each in one line. */
  readonly reasons: readonly string[];
  readonly components: readonly string[];
  /** Those of which nothing was saved. */
  readonly failed: readonly string[];
}

/** Raises an alarm, or ends it, and sends it at once. Never throws. */
export async function tellOfRun(run: EndedRun, context: TellingContext): Promise<void> {
  const { configuration, clock, environment } = context;
  const about = { application: configuration.application, at: clock.now(), ...componentOf(run) };
  const job = environment['HOLDFAST_JOB'] || run.kind;
  await tellPeople(context, (notifier) => {
    if (run.status !== exitStatus.done) return notifier.raise(failureOf(run, about, job));
    for (const event of ['failure', 'lock', 'missed']) notifier.resolve(`${event}:${job}`, `The ${run.kind} succeeded.`);
    notifier.raise(successOf(run, about));
  });
}

type About = Pick<Alarm, 'application' | 'component' | 'at'>;

function componentOf({ components }: EndedRun): Pick<Alarm, 'component'> {
  const [component, ...more] = components;
  return component === undefined || more.length > 0 ? {} : { component };
}

function successOf({ kind }: EndedRun, about: About): Alarm {
  const title = `The ${kind} succeeded`;
  return { ...about, key: `success:${kind}`, event: 'success', severity: 'info', title, text: `${title}.`, facts: {} };
}

function failureOf(run: EndedRun, about: About, job: string): Alarm {
  const { kind, status, components, failed } = run;
  const isLocked = status === exitStatus.locked;
  return {
    ...about,
    key: `${isLocked ? 'lock' : 'failure'}:${job}`,
    event: isLocked ? 'lock' : kind === 'drill' && status === exitStatus.disproved ? 'drill' : 'failure',
    // What could not be read may be a file that went away; a component of which nothing was saved is as bad as no backup.
    severity: isLocked || (status === exitStatus.incomplete && failed.length === 0) ? 'warning' : 'critical',
    title: `The ${kind} ${whatHappened(run)}`,
    text: reasonOf(run),
    facts: components.length === 0 ? {} : { components: components.join(', ') },
  };
}

function whatHappened({ status, failed }: EndedRun): string {
  switch (status) {
    case exitStatus.incomplete:
      return failed.length === 0 ? 'is incomplete' : `is without ${failed.join(', ')}`;
    case exitStatus.locked:
      return 'found the repository locked';
    case exitStatus.disproved:
      return 'found what must not be';
    default:
      return 'failed';
  }
}

function reasonOf({ kind, status, error, problems, reasons }: EndedRun): string {
  const heading = kind === 'check' || kind === 'drill' ? 'It found:' : 'This could not be done:';
  const more = problems > reasons.length ? [`and ${problems - reasons.length} more`] : [];
  const list = [...reasons, ...more].map((reason) => `\n- ${reason}`).join('');
  if (error !== undefined) return `${error.message} ${error.hint}${list}`;
  return reasons.length === 0 ? `It ended with status ${status}. See: holdfast history` : `${heading}${list}\nSee: holdfast history`;
}
