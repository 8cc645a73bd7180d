/** What a table of rules keeps, as somebody would work it out who reads docs/retention.md: nothing of the planner is used. */
import type { RetentionPolicy } from '../../../src/policy/retention.ts';

export interface NaivePoint {
  readonly id: string;
  readonly time: number;
  /** How far its clock was ahead of UTC, in milliseconds. */
  readonly offset: number;
  readonly components: readonly string[];
  /** Points that its base backup builds on. */
  readonly needs: readonly string[];
}

const day = 86_400_000;

/** @param proven the newest point that a drill has proved, by component */
export function keptByTable(
  all: readonly NaivePoint[],
  table: RetentionPolicy,
  { now, proven }: { readonly now: number; readonly proven: ReadonlyMap<string, readonly string[]> },
): Set<string> {
  const kept = new Set(all.filter(({ time }) => time > now).map(({ id }) => id));
  const past = all.filter(({ time }) => time <= now).toSorted((a, b) => b.time - a.time);
  for (const group of Map.groupBy(past, ({ components }) => components.toSorted().join()).values())
    for (const id of keptOfGroup(group, table)) kept.add(id);
  for (const component of new Set(past.flatMap(({ components }) => components))) {
    const own = past.filter(({ components }) => components.includes(component));
    const provenIds = proven.get(component) ?? [];
    for (const point of [own[0], own.find(({ id }) => provenIds.includes(id))]) if (point !== undefined) kept.add(point.id);
  }
  for (const point of past) if (kept.has(point.id)) for (const id of point.needs) kept.add(id);
  return kept;
}

function keptOfGroup(newestFirst: readonly NaivePoint[], table: RetentionPolicy): string[] {
  const { daily, weekly, monthly, yearly, within, ...others } = table;
  const unknown = Object.keys(others);
  if (unknown.length > 0) throw new Error(`the table has rules that are not known here: ${unknown.join()}`);
  return [
    ...keptOfEach(newestFirst, Number(daily ?? 0), dayName),
    ...keptOfEach(newestFirst, Number(weekly ?? 0), weekName),
    ...keptOfEach(newestFirst, Number(monthly ?? 0), (point) => dayName(point).slice(0, 7)),
    ...keptOfEach(newestFirst, Number(yearly ?? 0), (point) => dayName(point).slice(0, 4)),
    ...keptWithin(newestFirst, within),
  ];
}

/** The newest of each, for so many; the oldest too where there is room. */
function keptOfEach(newestFirst: readonly NaivePoint[], most: number, nameOf: (point: NaivePoint) => string): string[] {
  if (most === 0) return [];
  const newest = new Map<string, string>();
  for (const point of newestFirst) if (!newest.has(nameOf(point))) newest.set(nameOf(point), point.id);
  const oldest = newest.size < most ? newestFirst.slice(-1).map(({ id }) => id) : [];
  return [...[...newest.values()].slice(0, most), ...oldest];
}

/** The examples say days alone. */
function keptWithin(newestFirst: readonly NaivePoint[], within: RetentionPolicy['within']): string[] {
  const [newest] = newestFirst;
  if (within === undefined || newest === undefined) return [];
  const days = typeof within === 'string' ? Number(/^(\d+)d$/.exec(within)?.[1]) : within.days;
  return newestFirst.filter(({ time }) => time > newest.time - days * day).map(({ id }) => id);
}

function dayName({ time, offset }: NaivePoint): string {
  return new Date(time + offset).toISOString().slice(0, 10);
}

/** By the Monday that it begins with. */
function weekName({ time, offset }: NaivePoint): string {
  const days = Math.floor((time + offset) / day);
  return String(days - ((days + 3) % 7));
}
