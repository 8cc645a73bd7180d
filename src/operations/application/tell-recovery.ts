/** From the plan and the report of a whole recovery to what people are told of it. Pure. */
import { hostname } from 'node:os';
import type { Configuration } from '../../config/configuration.ts';
import type { HoldfastError } from '../../errors.ts';
import { sayMoment, type RecoveryEnding, type RecoverySubject } from '../notify/recovery-messages.ts';
import type { ExpectedDuration } from './expect-recovery.ts';
import type { RecoveryPlan } from './recovery-plan.ts';
import type { RecoveryReport } from './recovery-report.ts';

export interface BegunRecovery {
  readonly plan: RecoveryPlan;
  readonly configuration: Configuration;
  /** With what the point says beside the machine's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly began: Date;
  readonly isResumed: boolean;
  readonly expected?: ExpectedDuration;
}

export function subjectOfRecovery({ plan, configuration, began, isResumed, expected }: BegunRecovery): RecoverySubject {
  const { application, point, steps } = plan;
  const allowedMs = configuration.objective?.rtoMs;
  const moment = new Date(point.time);
  return {
    id: `${point.id.slice(0, 8)}:${began.toISOString()}`,
    application,
    source: `the point ${point.id.slice(0, 8)} of ${sayMoment(moment)}`,
    moment,
    began,
    host: hostname(),
    steps: steps.map(({ name }) => name),
    isResumed,
    ...(expected === undefined ? {} : { expected }),
    ...(allowedMs === undefined ? {} : { allowedMs }),
  };
}

export interface EndedRecovery {
  readonly plan: RecoveryPlan;
  readonly report: RecoveryReport;
  readonly kept?: { readonly file?: string; readonly point?: string };
  readonly failure?: HoldfastError;
}

export function endingOfRecovery({ plan, report, kept = {}, failure }: EndedRecovery): RecoveryEnding {
  const { status, seconds, steps, began } = report;
  const isOver = (name: string): boolean => steps.some((step) => step.name === name && step.status.startsWith('done'));
  const restored = plan.steps.flatMap(({ name, action }) => (action.type === 'restore' && isOver(name) ? [action.component] : []));
  const smoke = plan.steps.filter(({ action }) => action.type === 'smoke').map(({ name }) => name);
  const passed = smoke.filter(isOver);
  const stopped =
    steps.find((step) => step.status === 'failed' && !smoke.includes(step.name)) ?? steps.find((step) => step.status === 'failed');
  return {
    verdict: status,
    seconds,
    sentences: [
      restored.length === 0 ? 'Nothing was restored.' : `Restored: ${restored.join(', ')}.`,
      ...(smoke.length === 0 ? [] : [`${passed.length} of ${smoke.length} smoke tests passed.`]),
      ...plan.remarks.map(({ component, point, reason }) =>
        point === undefined
          ? `${component} is missing: ${reason}.`
          : `${component} is as it was at ${sayMoment(new Date(point.time))}: ${reason}.`,
      ),
      ...(failure === undefined
        ? []
        : [`It stopped at "${stopped?.name ?? ''}": ${failure.message} ${failure.hint}`, 'Go on with: holdfast recover --resume']),
    ],
    facts: {
      ...(restored.length === 0 ? {} : { restored: restored.join(', ') }),
      ...(smoke.length === 0 ? {} : { 'smoke tests': `${passed.length} of ${smoke.length} passed` }),
      ...(kept.file === undefined ? {} : { report: kept.file }),
      ...(kept.point === undefined ? {} : { 'report in the repository': kept.point.slice(0, 8) }),
    },
    report: { name: `recovery-${began.replaceAll(':', '-')}.json`, text: `${JSON.stringify(report, undefined, 1)}\n` },
  };
}
