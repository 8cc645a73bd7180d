/** Whether a daemon does what it is there for. Pure. */
import type { Readiness } from '../operations/jobs/daemon-view.ts';

/** A scheduler that did not look for so long does not work. */
const freshMs = 3 * 60_000;

/** @param problem what is wrong with the catalog, where something is */
export function judgeReadiness({
  lastTick,
  now,
  problem,
}: {
  readonly lastTick: Date | undefined;
  readonly now: Date;
  readonly problem: string | undefined;
}): Readiness {
  const isFresh = lastTick !== undefined && Math.abs(now.getTime() - lastTick.getTime()) < freshMs;
  const checks = [
    { name: 'scheduler', ok: isFresh, ...(isFresh ? {} : { reason: 'it has not looked what is due for minutes' }) },
    { name: 'catalog', ok: problem === undefined, ...(problem === undefined ? {} : { reason: problem }) },
  ];
  return { ready: checks.every(({ ok }) => ok), checks };
}
