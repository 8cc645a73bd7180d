/** Parts of a segment and ranges of WAL: what follows what without a hole. */
import type { PartName, WalRange } from './wal-archive.ts';

/**
 * The fewest parts that together hold a segment from its first byte on, in order, and how far they reach. Parts may overlap or be contained in
 * others: a receiver that died may have stored some twice. What comes after a hole is left out.
 */
export function contiguousParts(parts: readonly PartName[]): { readonly used: readonly PartName[]; readonly filled: number } {
  const used: PartName[] = [];
  let filled = 0;
  for (;;) {
    const next = furthest(parts.filter(({ start }) => start <= filled));
    if (next === undefined || next.end <= filled) return { used, filled };
    used.push(next);
    filled = next.end;
  }
}

function furthest(parts: readonly PartName[]): PartName | undefined {
  let best: PartName | undefined;
  for (const part of parts) if (best === undefined || part.end > best.end) best = part;
  return best;
}

/** Ranges in ascending order, those that touch or overlap joined. */
export function joinRanges(ranges: readonly WalRange[]): WalRange[] {
  const joined: WalRange[] = [];
  for (const range of ranges.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))) {
    const last = joined.at(-1);
    if (range.end <= range.start) continue;
    if (last === undefined || range.start > last.end) joined.push(range);
    else if (range.end > last.end) joined[joined.length - 1] = { start: last.start, end: range.end };
  }
  return joined;
}

/** The first hole in what should be covered, or undefined. `ranges` as `joinRanges` gives them. */
export function firstHole(ranges: readonly WalRange[], wanted: WalRange): WalRange | undefined {
  let at = wanted.start;
  for (const { start, end } of ranges) {
    if (end <= at) continue;
    if (start > at) return at < wanted.end ? { start: at, end: start < wanted.end ? start : wanted.end } : undefined;
    at = end;
  }
  return at < wanted.end ? { start: at, end: wanted.end } : undefined;
}
