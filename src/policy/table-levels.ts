/** The rows of each table through a history: tables that are gone, made by the day, or called otherwise. Pure. */
import type { Capture } from './anomaly.ts';

export interface TableLevel {
  /** Its name; with `*` for digits where it stands for several that are made and dropped in turn. */
  readonly table: string;
  readonly now: { readonly at: Date; readonly value: number };
  /** The oldest first, from the first capture that had it. */
  readonly past: readonly { readonly at: Date; readonly value: number }[];
  readonly isGone?: boolean;
}

type Rows = Readonly<Record<string, number>>;
interface Counted {
  readonly at: Date;
  readonly rows: Rows;
}

/** A new table whose rows differ from those of one that is gone by no more than this share is that one, renamed. */
const renamedWithin = 0.1;

/**
 * Tables that are there, each for itself; and those that are gone, as the sum of all whose names differ from theirs only in digits: where a table is
 * made every day and an old one dropped, nothing is lost.
 */
export function tableLevels(known: readonly Capture[], { at, rows }: Capture): TableLevel[] {
  if (rows === undefined) return [];
  const counted = known.flatMap((each): Counted[] => (each.rows === undefined ? [] : [{ at: each.at, rows: each.rows }]));
  const there = Object.entries(rows).map(([table, value]): TableLevel => {
    const past = counted.flatMap((each) => {
      const then = each.rows[table];
      return then === undefined ? [] : [{ at: each.at, value: then }];
    });
    return { table, now: { at, value }, past };
  });
  const gone = new Set(counted.flatMap((each) => Object.keys(each.rows).filter((table) => !(table in rows))));
  if (gone.size === 0) return there;
  const families = Map.groupBy([...gone], foldDigits);
  return [...there, ...[...families].flatMap(([family, members]) => goneLevel(family, members, counted, { at, rows }))];
}

function foldDigits(table: string): string {
  return table.replaceAll(/\d+/g, '*');
}

function goneLevel(family: string, members: readonly string[], counted: readonly Counted[], current: Counted): TableLevel[] {
  const fits = (table: string): boolean => foldDigits(table) === family;
  const sumOf = ({ rows }: Counted): number | undefined => {
    const values = Object.entries(rows).filter(([table]) => fits(table));
    return values.length === 0 ? undefined : values.reduce((sum, [, value]) => sum + value, 0);
  };
  const begins = counted.findIndex((each) => sumOf(each) !== undefined);
  const past = counted.slice(begins).map((each) => ({ at: each.at, value: sumOf(each) ?? 0 }));
  const left = sumOf(current);
  if (left === undefined && members.every((table) => isRenamed(table, counted, current))) return [];
  const everNamed = new Set(counted.flatMap(({ rows }) => Object.keys(rows).filter(fits)));
  const [only] = members;
  const table = left === undefined && everNamed.size === 1 && only !== undefined ? only : family;
  return [{ table, now: { at: current.at, value: left ?? 0 }, past, ...(left === undefined ? { isGone: true } : {}) }];
}

/** In the first capture without it there is another that was not there before, with about as many rows. */
function isRenamed(table: string, counted: readonly Counted[], current: Counted): boolean {
  const last = counted.findLastIndex(({ rows }) => table in rows);
  const before = counted[last]?.rows ?? {};
  const after = counted[last + 1] ?? current;
  const had = before[table] ?? 0;
  return Object.entries(after.rows).some(([name, rows]) => !(name in before) && rows > 0 && Math.abs(rows - had) <= renamedWithin * had);
}
