/** What a run is told besides its words. */
import type { Run } from './run.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const endings = ['', '_FILE', '_COMMAND'];

/** Of the daemon's own environment, without what it was told itself. */
export function environmentOfRun(environment: Environment, { trigger, served, askedBy, kind }: Run): Record<string, string> {
  const due = served.map((each) => each.due).find((each) => each !== undefined);
  return {
    ...withTrigger(environment, trigger),
    ...(kind === 'copy' ? passwordOfSource(environment) : {}),
    HOLDFAST_JOB: served.map(({ job }) => job.id).join(','),
    ...(due === undefined ? {} : { HOLDFAST_DUE: due.toISOString() }),
    ...(askedBy === undefined ? {} : { HOLDFAST_TOKEN_NAME: askedBy }),
  };
}

/** @param trigger who asked */
export function withTrigger(environment: Environment, trigger: Run['trigger']): Record<string, string> {
  const { HOLDFAST_JOB: _job, HOLDFAST_DUE: _due, HOLDFAST_TOKEN_NAME: _name, ...rest } = environment;
  const own = Object.fromEntries(Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  // Who runs below it tells nobody: the daemon does.
  return { ...own, HOLDFAST_TRIGGER: trigger, HOLDFAST_DAEMON: '1' };
}

/** A copy has two passwords. Where only one is given, it is that of both, as it is in a backup that copies. */
function passwordOfSource(environment: Environment): Record<string, string> {
  const names = (which: string): string[] =>
    ['HOLDFAST', 'RESTIC'].flatMap((program) => endings.map((ending) => `${program}_${which}${ending}`));
  if (names('FROM_PASSWORD').some((name) => environment[name])) return {};
  return Object.fromEntries(
    names('PASSWORD').flatMap((name) => {
      const value = environment[name];
      return value ? [[name.replace('_PASSWORD', '_FROM_PASSWORD'), value]] : [];
    }),
  );
}
