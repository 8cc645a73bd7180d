import type { ListedHold } from '../../operations/retention/holds.ts';
import { formatCount, formatMoment } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfHold({ hold, point }: ListedHold, now: Date): object {
  return {
    message_type: 'hold',
    name: hold.name,
    ...(point === undefined ? {} : { point: point.id, point_time: point.time }),
    ...(hold.created === undefined ? {} : { created: hold.created.toISOString() }),
    ...(hold.until === undefined ? {} : { until: hold.until.toISOString() }),
    ...(hold.reason === undefined ? {} : { reason: hold.reason }),
    ...(hold.problem === undefined ? {} : { problem: hold.problem }),
    in_force: hold.until === undefined || hold.until > now,
  };
}

export function textOfHolds(holds: readonly ListedHold[], now: Date): string {
  if (holds.length === 0) return 'nothing is held';
  const rows = holds.map(({ hold, point }) => [
    (point?.id ?? hold.snapshots[0] ?? '').slice(0, 8),
    point === undefined ? 'not here' : formatMoment(new Date(point.time)),
    hold.created === undefined ? '?' : formatMoment(hold.created),
    hold.until === undefined ? '' : `${formatMoment(hold.until)}${hold.until > now ? '' : ' (over)'}`,
    printable(hold.problem === undefined ? (hold.reason ?? '') : 'its record cannot be read'),
  ]);
  return `${formatTable(['point', 'time', 'held since', 'until', 'reason'], rows)}\n${formatCount(holds.length, 'hold')}`;
}
