/** From the plans and reports of `holdfast restore` to what people are told of a component that goes back to its place. */
import { hostname } from 'node:os';
import type { Configuration } from '../config/configuration.ts';
import type { Repository } from '../engine/repository.ts';
import { expectRecovery } from '../operations/application/expect-recovery.ts';
import type { ComponentRestorePlan, ComponentRestoreReport } from '../operations/application/restore-component.ts';
import { sayMoment, type RecoveryEnding, type RecoverySubject } from '../operations/notify/recovery-messages.ts';
import type { MomentPlan } from '../operations/point-in-time/moment-plan.ts';
import { describeTarget } from '../operations/point-in-time/moment-target.ts';
import type { MomentResult } from '../operations/point-in-time/restore-moment.ts';
import type { Clock } from '../util/clock.ts';

export async function beginOfRestore(
  repository: Repository,
  configuration: Configuration,
  { application, component, point, last }: ComponentRestorePlan,
  clock: Clock,
): Promise<RecoverySubject> {
  const restores = [{ component, ...(last === undefined ? {} : { lastSeconds: last.seconds }) }];
  const expected = await expectRecovery(repository, { application, restores }, clock.now());
  const moment = new Date(point.time);
  return {
    ...subjectOf(configuration, component, clock),
    source: `the point ${point.id.slice(0, 8)} of ${sayMoment(moment)}`,
    moment,
    ...(expected === undefined ? {} : { expected }),
  };
}

export function endingOfRestore({ seconds, facts, problems, safety }: ComponentRestoreReport): RecoveryEnding {
  return {
    verdict: problems > 0 ? 'incomplete' : 'recovered',
    seconds,
    sentences: [
      ...(problems > 0 ? [`Of what was put back ${problems} things are not as they were.`] : []),
      ...(safety !== undefined && 'point' in safety ? [`What was there before is in the point ${safety.point.slice(0, 8)}.`] : []),
    ],
    facts: textsOf(facts),
  };
}

export function beginOfMoment(
  configuration: Configuration,
  { component, target, base, estimate }: MomentPlan,
  clock: Clock,
): RecoverySubject {
  const from = estimate.measured ? 'by the last time on this machine' : 'by what is usual';
  return {
    ...subjectOf(configuration, component, clock),
    source: `${describeTarget(target)}, with the base backup ${base.pointId.slice(0, 8)} and the log behind it`,
    ...(target.kind === 'time' ? { moment: target.time } : {}),
    expected: { seconds: estimate.seconds, from },
  };
}

export function endingOfMoment({ report }: MomentResult): RecoveryEnding {
  const { outcome, seconds } = report;
  const kept = 'kept' in report ? report.kept : [];
  return {
    verdict: 'recovered',
    seconds,
    sentences: [
      outcome.stop ?? '',
      ...('running' in report && !report.running ? ['The server does not run yet.'] : []),
      ...(kept.length === 0 ? [] : [`What was there before is kept in ${kept.join(', ')}.`]),
    ].filter((sentence) => sentence !== ''),
    facts: { position: outcome.lsn, timeline: String(outcome.timeline) },
    ...(outcome.reached === undefined ? {} : { moment: outcome.reached }),
  };
}

/** What was promised for the component, and for that which it is a part of. */
function subjectOf(
  { application, components }: Configuration,
  name: string,
  clock: Clock,
): Pick<RecoverySubject, 'id' | 'application' | 'component' | 'began' | 'host' | 'steps' | 'isResumed'> &
  Pick<RecoverySubject, 'allowedMs'> {
  const own = components.find((each) => each.name === name);
  const component = own?.partOf ?? name;
  const allowedMs = components.find((each) => each.name === component)?.objective?.rtoMs;
  const began = clock.now();
  return {
    id: `${component}:${began.toISOString()}`,
    application,
    component,
    began,
    host: hostname(),
    steps: [],
    isResumed: false,
    ...(allowedMs === undefined ? {} : { allowedMs }),
  };
}

function textsOf(facts: ComponentRestoreReport['facts']): Record<string, string> {
  return Object.fromEntries(Object.entries(facts).flatMap(([name, value]) => (value === '' ? [] : [[name, String(value)]])));
}
