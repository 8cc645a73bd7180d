import type { RunRecord } from '../../catalog/run-record.ts';
import { formatMoment, formatSeconds, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfRun({ due, began, ended, ...run }: RunRecord): object {
  return {
    message_type: 'run',
    ...run,
    ...(due === undefined ? {} : { due: due.toISOString() }),
    began: began.toISOString(),
    ...(ended === undefined ? {} : { ended: ended.toISOString() }),
  };
}

export function textOfRuns(runs: readonly RunRecord[]): string {
  if (runs.length === 0) return 'nothing that fits has run on this host';
  const rows = runs.map((run) => {
    const { kind, components, trigger, began, ended, status, user } = run;
    return [
      formatMoment(began),
      kind,
      printable(components.join(', ')),
      status,
      ended === undefined ? '' : formatSeconds(Math.max(0, ended.getTime() - began.getTime()) / 1000),
      trigger === 'person' ? printable(user) : trigger,
      printable(wordsOf(run)),
    ];
  });
  return formatTable(['began', 'what', 'components', 'status', '>took', 'asked by', ''], rows);
}

function wordsOf({ error, point, facts }: RunRecord): string {
  if (error !== undefined) return error.message;
  const { bytes, added, problems } = facts;
  return [
    ...(point === undefined ? [] : [`point ${point.slice(0, 8)}`]),
    ...(typeof bytes === 'number' ? [formatSize(bytes)] : []),
    ...(typeof added === 'number' ? [`${formatSize(added)} new`] : []),
    ...(typeof problems === 'number' && problems > 0 ? [`problems: ${problems}`] : []),
  ].join(', ');
}
