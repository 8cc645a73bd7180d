/** Plans and reports of restores and recoveries of a configured application. */
import type { ComponentRestorePlan, ComponentRestoreReport } from '../../operations/application/restore-component.ts';
import type { JournalState } from '../../operations/application/recovery-journal.ts';
import type { RecoveryPlan } from '../../operations/application/recovery-plan.ts';
import type { RecoveryResult } from '../../operations/application/recover.ts';
import type { RecoveryReport, ReportedStep } from '../../operations/application/recovery-report.ts';
import { formatCount, formatMoment, formatSeconds } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfRestorePlan(plan: ComponentRestorePlan): object {
  const { application, component, kind, point, effects, stops, safetyCopy, last } = plan;
  return {
    message_type: 'plan',
    application,
    component,
    kind,
    point: point.id,
    time: point.time,
    effects,
    stops,
    safety_copy: safetyCopy,
    last_seconds: last?.seconds ?? null,
  };
}

export function textOfRestorePlan({ component, kind, point, effects, stops, safetyCopy, last }: ComponentRestorePlan): string {
  return [
    `plan: restore ${component} (${kind}) from the point ${point.id.slice(0, 8)} of ${formatMoment(new Date(point.time))}`,
    ...effects.map((effect) => `  ${printable(effect)}`),
    ...(stops.length === 0 ? [] : [`  stopped meanwhile: ${stops.join(', ')}`]),
    safetyCopy ? '  what is there now is saved first, as a point with the tag "safety"' : '  NO copy is taken of what is there now',
    last === undefined ? '  how long it takes is not known yet' : `  the last time it took ${formatSeconds(last.seconds)}`,
  ].join('\n');
}

export function recordOfComponentRestore({ plan, facts, seconds, problems, safety }: ComponentRestoreReport): object {
  return {
    message_type: 'summary',
    application: plan.application,
    component: plan.component,
    point: plan.point.id,
    ...facts,
    seconds_elapsed: seconds,
    problems,
    ...(safety === undefined
      ? {}
      : 'point' in safety
        ? { safety_copy: safety.point }
        : { safety_copy: null, safety_copy_skipped: safety.skipped }),
  };
}

export function textOfComponentRestore({ plan, facts, seconds, problems, safety }: ComponentRestoreReport): string {
  const copy =
    safety === undefined
      ? []
      : 'point' in safety
        ? [
            `what was there before is the point ${safety.point.slice(0, 8)}; back with: holdfast restore ${safety.point.slice(0, 8)} --component ${plan.component}`,
          ]
        : [`no copy was taken: ${safety.skipped}`];
  return [
    `${plan.component} restored from the point ${plan.point.id.slice(0, 8)} in ${formatSeconds(seconds)}`,
    ...linesOfFacts(facts),
    ...copy,
    ...(problems === 0 ? [] : [`${formatCount(problems, 'problem')}: something is not as it was; see above`]),
  ].join('\n');
}

function linesOfFacts(facts: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(facts)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `  ${name.padEnd(16)} ${printable(String(value))}`);
}

export function recordOfRecoveryPlan(
  { application, point, target, steps, remarks }: RecoveryPlan,
  before: JournalState | undefined,
): object {
  return {
    message_type: 'plan',
    application,
    point: point.id,
    time: point.time,
    host: point.host,
    ...(target === undefined ? {} : { target }),
    steps: steps.map(({ name, lastSeconds }) => ({
      name,
      last_seconds: lastSeconds ?? null,
      done: before?.steps.get(name)?.status === 'done',
    })),
    remarks: remarks.map(({ component, point: other, reason }) => ({ component, point: other?.id ?? null, reason })),
  };
}

export function textOfRecoveryPlan({ application, point, target, steps, remarks }: RecoveryPlan, before: JournalState | undefined): string {
  const place = target === undefined ? '' : `, files below ${printable(target)}`;
  const lines = steps.map(({ name, lastSeconds }, at) => {
    const note =
      before?.steps.get(name)?.status === 'done'
        ? '  (done before)'
        : lastSeconds === undefined
          ? ''
          : `  (${formatSeconds(lastSeconds)} the last time)`;
    return `${String(at + 1).padStart(4)}  ${printable(name)}${note}`;
  });
  return [
    `plan: recover ${application} from the point ${point.id.slice(0, 8)} of ${formatMoment(new Date(point.time))}, host ${printable(point.host)}${place}`,
    ...lines,
    ...remarks.map(remarkOf),
  ].join('\n');
}

function remarkOf({ component, point, reason }: RecoveryPlan['remarks'][number]): string {
  return point === undefined
    ? `${printable(component)} will be MISSING: ${reason}`
    : `${printable(component)} comes from the point ${point.id.slice(0, 8)} of ${formatMoment(new Date(point.time))}: ${reason}`;
}

export function recordOfRecovery({ report, kept }: RecoveryResult): object {
  if (report === undefined) return { message_type: 'summary' };
  const { point, steps, remarks, ...rest } = report;
  return {
    message_type: 'summary',
    ...rest,
    point: point.id,
    point_time: point.time,
    steps,
    remarks,
    report_file: kept?.file ?? null,
    report_point: kept?.point ?? null,
  };
}

const endings: Readonly<Record<RecoveryReport['status'], string>> = {
  recovered: 'recovered: every step passed',
  incomplete: 'INCOMPLETE: every step passed, and not everything is as it was',
  disproved: 'NOT PROVED: a smoke test failed',
  failed: 'STOPPED: a step failed, and those behind it were not begun',
};

export function textOfRecovery({ report, kept }: RecoveryResult): string {
  if (report === undefined) return '';
  const rows = report.steps.map(({ name, status, seconds, error }: ReportedStep) => [
    status === 'done-before' ? 'done before' : status,
    seconds === undefined ? '' : formatSeconds(seconds),
    printable(name),
    error === undefined ? '' : printable(error.message),
  ]);
  return [
    formatTable(['step', '>time', 'what', ''], rows),
    ...report.remarks.map(remarkOf),
    `${report.application}: ${endings[report.status]}, ${formatSeconds(report.seconds)} in all`,
    ...(kept?.file === undefined
      ? []
      : [`report: ${kept.file}${kept.point === undefined ? '' : `, and in the repository as the point ${kept.point.slice(0, 8)}`}`]),
  ].join('\n');
}
