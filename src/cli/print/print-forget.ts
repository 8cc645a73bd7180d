import type { ForgetGroup, ForgetPlan, PlannedPoint } from '../../operations/forget-plan.ts';
import type { Preview } from '../../operations/retention/preview.ts';
import { textOfCalendar } from './retention-calendar.ts';
import { formatCount, formatMoment } from './quantities.ts';
import { formatTable, printable } from './table.ts';

/** One record a group of points: what stays and why, what goes. */
export function recordsOfForget({ groups }: Pick<ForgetPlan, 'groups'>): object[] {
  return groups.map(({ key, keep, remove }) => ({
    message_type: 'forget',
    ...key,
    keep: keep.map(({ reasons, ...planned }) => ({ ...recordOf(planned), reasons })),
    remove: remove.map(recordOf),
  }));
}

function recordOf({ point, components }: PlannedPoint): object {
  return {
    id: point.id,
    short_id: point.id.slice(0, 8),
    time: point.time,
    components: components.map(({ tags }) => tags.component),
    tags: [...new Set(components.flatMap(({ tags }) => tags.own))],
    snapshots: components.map(({ id }) => id),
  };
}

/** Longer lists of what goes are only counted, where there is a calendar to see them in. */
const mostListed = 24;

export interface ForgetWords {
  /** Days on which points stay and go, month by month. */
  readonly calendar: boolean;
  /** Every point, however many there are. */
  readonly all: boolean;
}

export function textOfForget({ groups, waiting, isLarge }: ForgetPlan, words: ForgetWords): string {
  const parts = groups.map((group) => `${titleOf(group)}${textOfGroup(group, words)}`);
  const kept = groups.flatMap(({ keep }) => keep).length;
  const total = kept === 0 ? '' : `${formatCount(kept, 'point')} to keep, `;
  const waits = waiting.length === 0 ? '' : ` (${formatCount(waiting.length, 'point')} due, and locked until then)`;
  const large = isLarge ? '\nThat is more than half of them: it is only done with --allow-large, or when you say so.' : '';
  return [...parts, `${total}${countRemoved(groups)} to remove${waits}${large}`].join('\n\n');
}

function textOfGroup(group: ForgetGroup, { calendar, all }: ForgetWords): string {
  const isShort = all || group.keep.length + group.remove.length <= mostListed;
  const rows = [
    ...group.keep.map((kept) => ['keep', ...cellsOf(kept), printable(kept.reasons.join(', '))]),
    ...(isShort ? group.remove.map((planned) => ['remove', ...cellsOf(planned), '']) : []),
  ];
  const table = formatTable(['', 'point', 'time', 'components', 'why'], rows);
  const more = isShort ? '' : `\n${formatCount(group.remove.length, 'point')} to remove (--verbose lists them)`;
  return `${calendar || !isShort ? `${textOfCalendar(group)}\n\n` : ''}${table}${more}`;
}

/** `2 points`; where single components were named, what goes is no whole point. */
export function countRemoved(groups: readonly ForgetGroup[]): string {
  const removed = groups.flatMap(({ remove }) => remove);
  const isWhole = removed.every(({ point, components }) => components.length === point.components.length);
  return isWhole ? formatCount(removed.length, 'point') : formatCount(removed.flatMap(({ components }) => components).length, 'component');
}

function cellsOf({ point, components }: PlannedPoint): string[] {
  const names = components.map(({ tags }) => tags.component).join(', ');
  return [point.id.slice(0, 8), formatMoment(new Date(point.time)), printable(names)];
}

function titleOf({ key }: ForgetGroup): string {
  const parts = [
    ...(key.host === undefined ? [] : [`host ${key.host}`]),
    ...(key.paths === undefined
      ? key.components === undefined
        ? []
        : [`component ${key.components.join(', ')}`]
      : [`paths ${key.paths.join(', ')}`]),
    ...(key.tags === undefined || key.tags.length === 0 ? [] : [`tags ${key.tags.join(', ')}`]),
  ];
  return parts.length === 0 ? '' : `${printable(parts.join('; '))}\n`;
}

/** What would be there on a later day. */
export function recordOfPreview({ at, plan, madeUp }: Preview): object {
  return {
    message_type: 'preview',
    at: at.toISOString(),
    groups: plan.groups.map(({ key, keep }) => ({
      ...key,
      keep: keep.map(({ point, reasons }) => ({ ...(madeUp.has(point.id) ? {} : { id: point.id }), time: point.time, reasons })),
    })),
    kept_points: plan.groups.flatMap(({ keep }) => keep).length,
    kept_of_today: plan.groups.flatMap(({ keep }) => keep.filter(({ point }) => !madeUp.has(point.id))).length,
  };
}

export function textOfPreview({ at, plan, madeUp }: Preview): string {
  const parts = plan.groups.map((group) => `${titleOf(group)}${textOfCalendar({ ...group, remove: [] })}`);
  const kept = plan.groups.flatMap(({ keep }) => keep);
  const old = kept.filter(({ point }) => !madeUp.has(point.id)).length;
  const day = formatMoment(at).slice(0, 10);
  return [
    ...parts,
    `on ${day}, with a point made every day: ${formatCount(kept.length, 'point')}, ${old} of them from today or before`,
  ].join('\n\n');
}
