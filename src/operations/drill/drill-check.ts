/** Reads without restoring: the repository's own check, and every byte of the point. */
import { toHoldfastError } from '../../errors.ts';
import { check } from '../maintain.ts';
import { describeError, verdictOf } from './drill-component.ts';
import type { DrilledComponent } from './drill-report.ts';
import { DrillTimer, type DrillRun, type PlannedComponent } from './drill-run.ts';
import { openProvedTree, proveAll } from './proved-tree.ts';

/** What is wrong with the repository, a line each. The drill holds its lock already. */
export async function checkWhole({ repository, context }: DrillRun, timer: DrillTimer): Promise<string[]> {
  const { errors } = await timer.time('check the repository', () => check(repository, { readData: 'none' }, { noLock: true }, context));
  return errors.map(({ object, reason }) => `${object}: ${reason}`);
}

/** Never throws for what is damaged: that is in the report, but for an interruption. */
export async function checkComponent(run: DrillRun, component: PlannedComponent): Promise<DrilledComponent> {
  const timer = new DrillTimer(run.context);
  const { name, kind, point, snapshot } = component;
  const about = { name, kind, point, snapshot: snapshot.id, mismatches: [], remarks: [] };
  const proved = openProvedTree(run, component);
  try {
    await timer.time(`read ${name}`, () => proveAll(proved));
    if (kind === 'postgres-base') {
      const { planBase } = await import('./plan-base.ts');
      await timer.time(`look for the log of ${name}`, () => planBase(run, component));
    }
    const compared = { streams: proved.proved(), bytes: proved.bytes() };
    return { ...about, verdict: 'proven', seconds: timer.seconds, steps: timer.steps, bytes: proved.bytes(), compared };
  } catch (thrown) {
    const error = toHoldfastError(thrown);
    if (run.context.signal.aborted) throw error;
    const failed = { verdict: verdictOf(error), error: describeError(error, run) };
    return { ...about, ...failed, seconds: timer.seconds, steps: timer.steps, bytes: proved.bytes(), compared: {} };
  }
}
