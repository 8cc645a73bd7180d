/** What follows from how a run ended: whether it is tried again, and when. Pure. */
import { exitStatus } from '../errors.ts';
import type { Run, RunOutcome } from './run.ts';

/** `partial`: everything but something that could not be read was done. `disproved`: a drill found a difference, or data that cannot be vouched for. */
export type Verdict = 'done' | 'partial' | 'failed' | 'disproved' | 'locked' | 'interrupted';

export interface Judgement {
  readonly verdict: Verdict;
  /** Try again after so many milliseconds. */
  readonly againInMs?: number;
}

const minute = 60_000;
/** How long is waited before each further attempt, by how it ended. What is not named here would end the same way again. */
const patience: Readonly<Partial<Record<Verdict, readonly number[]>>> = {
  failed: [10 * minute],
  locked: [5 * minute, 15 * minute, 30 * minute],
  interrupted: [minute, 5 * minute],
};
/** Wrong command lines, configurations, passwords: nothing but a person puts them right. */
const hopeless: readonly (number | undefined)[] = [exitStatus.usage, exitStatus.wrongPassword];

/** @param ended whether it was ended on purpose: somebody cancelled it, or the daemon stops and tries it when it is back */
export function judgeRun({ attempt }: Pick<Run, 'attempt'>, outcome: RunOutcome, ended: boolean): Judgement {
  const verdict = verdictOf(outcome);
  const againInMs = ended || hopeless.includes(outcome.status) ? undefined : patience[verdict]?.[attempt - 1];
  return { verdict, ...(againInMs === undefined ? {} : { againInMs }) };
}

function verdictOf({ status, signal }: RunOutcome): Verdict {
  switch (status) {
    case exitStatus.done:
      return 'done';
    case exitStatus.incomplete:
      return 'partial';
    case exitStatus.disproved:
      return 'disproved';
    case exitStatus.locked:
      return 'locked';
    case exitStatus.interrupted:
      return 'interrupted';
    default:
      return status === undefined && signal !== undefined ? 'interrupted' : 'failed';
  }
}
