/** Which state of a server a drill recovers: what the newest base backup and the log behind it lead to, or an older base backup as it is. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import { isError } from '../../errors.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import { findBaseSnapshots } from '../point-in-time/find-bases.ts';
import type { MomentPlan } from '../point-in-time/moment-plan.ts';
import { planMoment } from '../point-in-time/plan-moment.ts';
import type { DrillRun, PlannedComponent } from './drill-run.ts';

/** Throws `wal-gap` where a segment of the log is missing, and what else planning throws. */
export async function planBase({ repository, context }: DrillRun, { name, snapshot }: PlannedComponent): Promise<MomentPlan> {
  const newest = { name: 'latest', component: name };
  const [first] = await findBaseSnapshots(repository, newest, context);
  const asItIs = (): Promise<MomentPlan> =>
    planMoment(repository, { target: { kind: 'immediate' }, point: { ...newest, name: snapshot.id } }, context);
  if (first?.snapshot.id !== snapshot.id) return asItIs();
  const plan = await asItIs();
  // Where no log was ever stored there is none to prove: a base backup brings what it needs itself.
  const archive = openWalArchive(openSealedObjects(repository), plan.base.manifest.systemId);
  if ((await archive.timelines()).length === 0) return plan;
  try {
    return await planMoment(repository, { target: { kind: 'latest' }, point: newest }, context);
  } catch (error) {
    if (!isError(error, 'wal-target-ahead')) throw error;
    context.events({
      type: 'notice',
      message: 'The stored log does not reach the end of the newest base backup yet: it is recovered as it is.',
    });
    return plan;
  }
}
