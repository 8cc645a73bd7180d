/** Plans and reports of going back to a moment. */
import { describeTarget } from '../../operations/point-in-time/moment-target.ts';
import type { MomentResult, ShownMomentPlan } from '../../operations/point-in-time/restore-moment.ts';
import { formatCount, formatMoment, formatSeconds, formatSize } from './quantities.ts';
import { printable } from './table.ts';

export function recordOfMomentPlan({ moment, destination, inPlace, stops, database }: ShownMomentPlan): object {
  const { base, wal, newest, estimate } = moment;
  return {
    message_type: 'plan',
    component: moment.component,
    target: describeTarget(moment.target),
    point: base.pointId,
    base: base.snapshot.id,
    base_end: base.manifest.endedAt,
    increments: base.manifest.chain.length,
    server_version: base.manifest.serverVersion,
    timeline: moment.timeline,
    segments: wal?.segments.length ?? 0,
    wal_bytes: wal?.bytes ?? 0,
    bytes: moment.bytes,
    newest: newest?.toISOString() ?? null,
    to_end_of_wal: moment.aim.kind === 'latest',
    estimated_seconds: estimate.seconds,
    notes: moment.notes,
    destination: destination.kind,
    ...(destination.kind === 'beside' ? { folder: destination.target } : {}),
    ...(destination.kind === 'tables' ? { tables: destination.tables, database: database ?? null } : {}),
    ...(inPlace === undefined
      ? {}
      : {
          data_directory: inPlace.dataDirectory,
          stop: inPlace.server.running ? inPlace.server.stopText : null,
          services_stopped: stops,
          kept: inPlace.moves,
          configuration: inPlace.configuration.map(({ path }) => path),
        }),
  };
}

export function textOfMomentPlan(shown: ShownMomentPlan): string {
  const { moment } = shown;
  const { base, wal, newest, estimate } = moment;
  const chain = base.manifest.chain.length === 0 ? 'full' : formatCount(base.manifest.chain.length, 'increment');
  const log =
    wal === undefined
      ? 'none beyond what the base backup has'
      : `${formatCount(wal.segments.length, 'segment')}, ${formatSize(wal.bytes)}${wal.path.length > 1 ? `, through the timelines ${wal.path.map(({ timeline }) => timeline).join(', ')}` : ''}`;
  return [
    `plan: ${printable(moment.component)} (PostgreSQL ${printable(base.manifest.serverVersion)}) as of ${momentOf(shown)}`,
    `  base backup      ${base.pointId.slice(0, 8)} of ${formatMoment(new Date(base.manifest.endedAt))} (${chain}), ${formatSize(moment.bytes)}`,
    `  log              ${log}`,
    `  timeline         ${moment.timeline}`,
    ...(newest === undefined ? [] : [`  newest moment    ${formatMoment(newest)} (${newest.toISOString()})`]),
    `  time needed      about ${formatSeconds(estimate.seconds)}${estimate.measured ? ', by the last time' : ''}`,
    ...linesOfDestination(shown).map((line) => `  ${line}`),
    ...moment.notes.map((note) => `  ${printable(note)}`),
  ].join('\n');
}

function momentOf({ moment: { target } }: ShownMomentPlan): string {
  return target.kind === 'time' ? `${formatMoment(target.time)} (${target.time.toISOString()})` : describeTarget(target);
}

function linesOfDestination({ destination, inPlace, stops, database, moment }: ShownMomentPlan): string[] {
  if (destination.kind === 'beside') {
    const state =
      destination.port === undefined
        ? 'and is stopped again when it has been looked at'
        : `and is left running on port ${destination.port}${destination.pause ? ', only for reading' : ''}`;
    return [`goes into        ${printable(destination.target)}, ${state}`];
  }
  if (destination.kind === 'tables') {
    const how = destination.restore.clean === true ? ', in place of what is there' : '';
    const into = destination.restore.into ?? database ?? '?';
    return [
      `tables           ${printable(destination.tables.join(', '))} go into the database "${printable(into)}"${how}; a server for that lives meanwhile in a folder of its own`,
    ];
  }
  if (inPlace === undefined) return [];
  return [
    `replaces         ${printable(inPlace.title ?? inPlace.dataDirectory)}`,
    ...(stops.length === 0 ? [] : [`stopped first    ${printable(stops.join(', '))}, and started again at the end`]),
    ...(inPlace.server.running ? [`stopped meanwhile with: ${printable(inPlace.server.stopText)}`] : ['no server runs there now']),
    ...(inPlace.startAfter ? [`started afterwards with: ${printable(inPlace.server.startText)}`] : ['none is started afterwards']),
    ...inPlace.moves.map(
      ({ from, aside, volume }) =>
        `kept aside       ${printable(from)} as ${volume === undefined ? printable(aside) : `the new volume ${printable(volume)}`}`,
    ),
    ...inPlace.configuration.map(({ path }) => `made again       ${printable(path)}`),
    `what was written after ${printable(describeTarget(moment.target))} is only in what is kept aside`,
  ];
}

export function recordOfMoment(result: MomentResult): object {
  const { plan, report } = result;
  const { outcome, steps, seconds } = report;
  return {
    message_type: 'summary',
    component: plan.component,
    point: plan.base.pointId,
    target: describeTarget(plan.target),
    state: outcome.state,
    reached: outcome.reached?.toISOString() ?? null,
    lsn: outcome.lsn,
    timeline: outcome.timeline,
    stopped: outcome.stop ?? null,
    segments: outcome.segments,
    steps,
    seconds_elapsed: seconds,
    ...(result.kind === 'tables'
      ? result.report.facts
      : { data_directory: result.report.dataDirectory, bytes: result.report.bytes, start: result.report.start }),
    ...(result.kind !== 'tables' && result.report.check !== undefined
      ? { indexes_checked: result.report.check.indexes, tables_checked: result.report.check.tables }
      : {}),
    ...(result.kind === 'in place' ? { kept: result.report.kept, running: result.report.running } : {}),
    ...(result.kind === 'beside' ? { port: result.report.port ?? null, read_only: result.report.readOnly } : {}),
  };
}

export function textOfMoment(result: MomentResult): string {
  const { plan, report } = result;
  const { outcome } = report;
  const reached =
    outcome.reached === undefined
      ? 'no transaction in the log'
      : `last transaction of ${formatMoment(outcome.reached)} (${outcome.reached.toISOString()})`;
  return [
    `${printable(plan.component)} recovered in ${formatSeconds(report.seconds)}: ${reached}, position ${outcome.lsn}, timeline ${outcome.timeline}`,
    ...(outcome.stop === undefined ? [] : [`  stopped          ${printable(outcome.stop)}`]),
    ...report.steps.map(({ name, seconds }) => `  ${name.padEnd(16)} ${formatSeconds(seconds)}`),
    ...linesOfEnd(result),
  ].join('\n');
}

function linesOfEnd(result: MomentResult): string[] {
  if (result.kind === 'tables')
    return Object.entries(result.report.facts).map(([name, value]) => `  ${name.padEnd(16)} ${printable(String(value))}`);
  const { check, dataDirectory, start } = result.report;
  const checked =
    check === undefined
      ? []
      : [
          `  checked          ${formatCount(check.indexes, 'index', 'indexes')} and ${formatCount(check.tables, 'table')} in ${formatCount(check.databases, 'database')}: no fault`,
        ];
  if (result.kind === 'in place')
    return [
      ...checked,
      result.report.running ? 'the server runs again' : `the server was not running; start it with: ${start}`,
      ...result.report.kept.map((path) => `what was there before is in ${printable(path)}; remove it when you are sure`),
    ];
  if (result.report.port === undefined)
    return [...checked, `it lies in ${printable(dataDirectory)}, stopped; start it with: ${start} (its socket lies there too)`];
  return [
    ...checked,
    `it runs on port ${result.report.port} of localhost${result.report.readOnly ? ', only for reading' : ''}, in ${printable(dataDirectory)}`,
  ];
}
