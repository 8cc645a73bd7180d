import type { PointRecord } from '../../operations/points.ts';
import { formatCount, formatMoment, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

/** The table of `list`. */
export function textOfPoints(points: readonly PointRecord[]): string {
  if (points.length === 0) return 'no points';
  const rows = points.map((point) => [
    point.short_id,
    formatMoment(new Date(point.time)),
    printable(point.host),
    printable(point.components.join(', ')),
    point.size === null ? '?' : formatSize(point.size),
    [point.status, point.proven ? 'proven' : 'unproven'].filter((word) => word !== 'complete').join(', '),
    printable(point.tags.join(', ')),
    printable(point.paths.join(', ')),
  ]);
  return `${formatTable(['point', 'time', 'host', 'components', '>size', 'status', 'tags', 'paths'], rows)}\n${formatCount(points.length, 'point')}`;
}

/** One point, for `show`. */
export function textOfPoint(
  point: PointRecord,
  components: readonly {
    readonly component: string;
    readonly kind: string;
    readonly id: string;
    readonly size: number | null;
    readonly files: number | null;
    readonly paths: readonly string[];
  }[],
): string {
  const lines = [
    `point       ${point.id}`,
    `time        ${formatMoment(new Date(point.time))}`,
    `host        ${printable(point.host)}`,
    `status      ${point.status}, ${point.proven ? 'proven' : 'unproven: no drill has restored it'}`,
    ...(point.tags.length === 0 ? [] : [`tags        ${printable(point.tags.join(', '))}`]),
  ];
  const rows = components.map(({ component, kind, id, size, files, paths }) => [
    printable(component),
    kind,
    id.slice(0, 8),
    size === null ? '?' : formatSize(size),
    files === null ? '?' : String(files),
    printable(paths.join(', ')),
  ]);
  return `${lines.join('\n')}\n\n${formatTable(['component', 'kind', 'snapshot', '>size', '>files', 'paths'], rows)}`;
}
