/** What becomes of a run, as chance has it. */
import type { ChildOrder } from '../../../src/daemon/run-child.ts';

export interface Fate {
  /** How it ends, if nobody ends it before. */
  readonly status: number;
  /** For ever where it hangs. */
  readonly takesMs: number;
  /** It goes on where the daemon is killed. */
  readonly outlivesDaemon: boolean;
  /** Something has changed since the last backup. */
  readonly hasChanges: boolean;
}

const [second, minute] = [1000, 60_000];

/** Looks for changes are short and change little; what runs often seldom fails. */
export function fateOf(
  { words, environment }: ChildOrder,
  chance: () => number,
  { hangs, isCalm }: { readonly hangs: boolean; readonly isCalm: boolean },
): Fate {
  const isOften = /^backup:(on-change|every)/.test(environment['HOLDFAST_JOB'] ?? '');
  const isLook = words.includes('--skip-if-unchanged');
  const [lot, share] = [chance() * (isOften ? 15 : 1), chance()];
  const status = isCalm
    ? 0
    : lot < 0.04
      ? 1
      : lot < 0.06
        ? 11
        : lot < 0.07
          ? 3
          : lot < 0.08
            ? 130
            : lot < 0.09 && words[0] === 'drill'
              ? 4
              : 0;
  const usual = isLook ? share * minute : isOften ? minute + share * 8 * minute : minute + share * (share > 0.9 ? 70 : 20) * minute;
  return {
    status,
    takesMs: hangs ? Infinity : status === 11 ? 5 * second : usual,
    outlivesDaemon: chance() < 0.3,
    hasChanges: !isLook || chance() < 0.03,
  };
}
