/** Plans and reports of drills. */
import type { DrilledComponent, DrillReport } from '../../operations/drill/drill-report.ts';
import type { DrillPlan } from '../../operations/drill/plan-drill.ts';
import { sizeOf } from '../../operations/drill/measure-space.ts';
import type { StoredReport } from '../../operations/drill/report-chain.ts';
import { formatCount, formatMoment, formatSeconds, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfDrillPlan({ drill, point, components, remarks }: DrillPlan): object {
  return {
    message_type: 'drill_plan',
    drill: drill.name === '' ? null : drill.name,
    kind: drill.kind,
    into: drill.into,
    within_seconds: drill.withinMs / 1000,
    point: point.id,
    time: point.time,
    components: components.map((component) => ({
      name: component.name,
      kind: component.kind,
      point: component.point,
      snapshot: component.snapshot.id,
      bytes: sizeOf(component),
    })),
    assertions: drill.assertions.length,
    remarks,
  };
}

const doneTo: Readonly<Record<DrillReport['kind'], string>> = {
  check: 'read',
  restore: 'restored and compared',
  full: 'brought up beside itself',
};

export function textOfDrillPlan({ drill, point, components, remarks }: DrillPlan): string {
  const rows = components.map((component) => [
    printable(component.name),
    component.kind,
    formatSize(sizeOf(component)),
    placeOf(component.kind, drill),
  ]);
  return [
    `drill${drill.name === '' ? '' : ` ${printable(drill.name)}`}: the point ${point.id.slice(0, 8)} of ${formatMoment(new Date(point.time))} is ${doneTo[drill.kind]}, within ${formatSeconds(drill.withinMs / 1000)}`,
    formatTable(['component', 'kind', '>size', 'goes into'], rows),
    ...remarks.map(printable),
  ].join('\n');
}

function placeOf(kind: string, { kind: drill, into }: DrillPlan['drill']): string {
  if (drill === 'check') return 'nothing: it is only read';
  if (drill === 'full') return 'a Compose project of its own';
  if (kind === 'postgres') return into === 'cluster' ? 'a server of its own' : 'a database of its own';
  if (kind === 'postgres-base') return 'a server of its own, with its log';
  if (kind === 'redis') return 'a server of its own';
  return kind === 'volumes' ? 'volumes of its own' : 'a folder of its own';
}

/** Word for word what is kept in the repository. */
export function recordOfDrill(report: Omit<DrillReport, 'previous'>, object: string | undefined): object {
  return { message_type: 'drill_report', object: object ?? null, ...report };
}

/** What a drill found that must not be, as one record each: for whoever reads a run as a program, and for alarms. */
export function recordsOfDrillFindings({ error, findings, components, assertions }: Omit<DrillReport, 'previous'>): readonly object[] {
  const about = (item: string, reasons: readonly (string | undefined)[]): object[] =>
    reasons.flatMap((reason) =>
      reason === undefined ? [] : [{ message_type: 'error', error: { message: reason }, during: 'drill', item }],
    );
  return [
    ...about('the drill', [error?.message]),
    ...about('the repository', findings),
    ...components.flatMap(({ name, error: failure, mismatches }) => about(name, [failure?.message, ...mismatches])),
    ...assertions.flatMap(({ name, passed, reason }) => about(name, passed ? [] : [reason ?? 'it did not pass'])),
  ];
}

const verdicts: Readonly<Record<DrillReport['verdict'], string>> = {
  proven: 'PROVEN',
  disproved: 'DISPROVED',
  failed: 'NOT TRIED TO THE END',
};

export function textOfDrill(report: Omit<DrillReport, 'previous'>): string {
  const { components, assertions, findings, remarks, error, point, steps } = report;
  const rows = components.map((component) => [
    printable(component.name),
    component.kind,
    component.verdict,
    formatSeconds(component.seconds),
    formatSize(component.bytes),
    printable(describeCompared(component)),
  ]);
  return [
    `${verdicts[report.verdict]}: the point ${point.id.slice(0, 8)} of ${formatMoment(new Date(point.time))}, in ${formatSeconds(report.seconds)} (report ${report.id})`,
    ...(rows.length === 0 ? [] : [formatTable(['component', 'kind', 'verdict', '>time', '>size', 'compared'], rows)]),
    ...steps.map(({ name, seconds }) => `  ${printable(name)}: ${formatSeconds(seconds)}`),
    ...assertions.map(
      ({ name, passed, reason }) => `assertion ${printable(name)}: ${passed ? 'passed' : `FAILED (${printable(reason ?? '')})`}`,
    ),
    ...components.flatMap(linesOf),
    ...findings.map((line) => `WRONG: ${printable(line)}`),
    ...(error === undefined ? [] : [`WRONG: ${printable(error.message)} ${printable(error.hint)}`]),
    ...remarks.map(printable),
  ].join('\n');
}

function linesOf({ name, mismatches, remarks, error }: DrilledComponent): string[] {
  return [
    ...mismatches.map((line) => `WRONG in ${printable(name)}: ${printable(line)}`),
    ...(error === undefined ? [] : [`WRONG in ${printable(name)}: ${printable(error.message)} ${printable(error.hint)}`]),
    ...remarks.map((line) => `${printable(name)}: ${printable(line)}`),
  ];
}

/** `12 tables, 30500 rows, 4 sequences`. */
export function describeCompared({ compared }: Pick<DrilledComponent, 'compared'>): string {
  return Object.entries(compared)
    .filter(([name, count]) => count > 0 && name !== 'bytes')
    .map(([name, count]) => formatCount(count, singulars[name] ?? name, name))
    .join(', ');
}

const singulars: Readonly<Record<string, string>> = {
  databases: 'database',
  tables: 'table',
  rows: 'row',
  sequences: 'sequence',
  streams: 'stream',
  files: 'file',
  folders: 'folder',
  links: 'link',
  keys: 'key',
  bases: 'base',
  segments: 'segment',
  indexes: 'index',
};

/** For `--report --all`, newest first. */
export function textOfReports(reports: readonly StoredReport[]): string {
  if (reports.length === 0) return 'no reports';
  const rows = reports.map(({ report }) => [
    report.id,
    formatMoment(new Date(report.began)),
    printable(report.drill ?? ''),
    report.kind,
    report.point.id.slice(0, 8),
    report.verdict,
    formatSeconds(report.seconds),
    printable(`${report.by.user}@${report.by.host}`),
  ]);
  return formatTable(['report', 'time', 'drill', 'kind', 'point', 'verdict', '>took', 'by'], rows);
}
