import type { ForgetGroup } from '../../operations/forget-plan.ts';
import { formatMoment } from './quantities.ts';
import { formatTable, printable } from './table.ts';

/** What a day looks like: no points, all stay, all go, some stay. */
const marks = { none: '.', keep: '#', remove: '-', both: '+' } as const;

/** A line a month, a letter a day in this machine's zone; months without points are left out. Below it, how many stay for which reason. */
export function textOfCalendar({ keep, remove }: Pick<ForgetGroup, 'keep' | 'remove'>): string {
  const days = new Map<string, { keep: number; remove: number }>();
  for (const [kind, list] of [
    ['keep', keep],
    ['remove', remove],
  ] as const)
    for (const { point } of list) {
      const day = formatMoment(new Date(point.time)).slice(0, 10);
      const counts = days.get(day) ?? { keep: 0, remove: 0 };
      counts[kind] += 1;
      days.set(day, counts);
    }
  const months = [...new Set([...days.keys()].map((day) => day.slice(0, 7)))].toSorted();
  const rows = months.map((month) => {
    const line = Array.from({ length: daysIn(month) }, (_, index) => markOf(days.get(`${month}-${String(index + 1).padStart(2, '0')}`)));
    const sum = (kind: 'keep' | 'remove'): number =>
      [...days].filter(([day]) => day.startsWith(month)).reduce((total, [, counts]) => total + counts[kind], 0);
    return [month, line.join(''), String(sum('keep')), String(sum('remove'))];
  });
  const table = formatTable(['month', 'day by day', '>stay', '>go'], rows);
  const legend = `${marks.keep} stays  ${marks.remove} goes  ${marks.both} some of each`;
  return [table, legend, textOfReasons(keep)].filter((part) => part !== '').join('\n');
}

/** `7 daily snapshot, 4 weekly snapshot`: a point may count for several. */
function textOfReasons(keep: ForgetGroup['keep']): string {
  const counts = new Map<string, number>();
  for (const { reasons } of keep) for (const reason of reasons) counts.set(familyOf(reason), (counts.get(familyOf(reason)) ?? 0) + 1);
  return counts.size === 0 ? '' : printable(`stays for: ${[...counts].map(([reason, count]) => `${count} × ${reason}`).join(', ')}`);
}

/** Without what differs from point to point. */
function familyOf(reason: string): string {
  return reason
    .replace(/^(needed by|made after|held|locked until)\b.*$/s, '$1')
    .replace(/^(?:needed by|made after)$/, (words) => `${words} another`);
}

function daysIn(month: string): number {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 0)).getUTCDate();
}

function markOf(counts: { readonly keep: number; readonly remove: number } | undefined): string {
  if (counts === undefined) return marks.none;
  if (counts.remove === 0) return marks.keep;
  return counts.keep === 0 ? marks.remove : marks.both;
}
