import { HoldfastError } from '../../errors.ts';
import type { PackUse } from './choose-copies.ts';
import type { PruneOptions } from './prune-plan.ts';

/** A pack below this is small; ten of them are worth putting together. */
const smallPack = 3.2 * 2 ** 20;
const manySmallPacks = 10;

/** Which of the packs that hold something used are rewritten: those with most to free first, until what stays unused is little enough. */
export function selectRepacks(needed: readonly PackUse[], options: PruneOptions, sizeOf: (pack: number) => number): PackUse[] {
  const small = needed.filter((use) => use.unusedBlobs === 0 && use.kind !== 'mixed' && sizeOf(use.pack) < smallPack);
  const candidates = needed.filter((use) => use.unusedBlobs > 0 || use.kind === 'mixed');
  // Packs of trees and of data stay apart, so few of either are no reason to touch them.
  for (const kind of ['data', 'tree'] as const) {
    const alike = small.filter((use) => use.kind === kind);
    if (alike.length >= manySmallPacks) candidates.push(...alike);
  }
  candidates.sort(
    (a, b) => rank(a, sizeOf) - rank(b, sizeOf) || b.unusedBytes * a.usedBytes - a.unusedBytes * b.usedBytes || a.pack - b.pack,
  );
  const tolerated = toleratedBytes(
    options.maxUnused ?? '5%',
    needed.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
  );
  const mostRepacked = options.maxRepackBytes ?? Number.POSITIVE_INFINITY;
  let unusedLeft = needed.reduce((sum, { unusedBytes }) => sum + unusedBytes, 0);
  let repackedBytes = 0;
  return candidates.filter((use) => {
    const size = sizeOf(use.pack);
    if (repackedBytes + size > mostRepacked) return false;
    // Trees are small and read often, mixed packs slow everything down, small packs cost a request each: these go whatever is tolerated.
    const always = options.maxUnused !== 'unlimited' && (use.kind !== 'data' || size < smallPack);
    if (!always && unusedLeft <= tolerated) return false;
    repackedBytes += size;
    unusedLeft -= use.unusedBytes;
    return true;
  });
}

function rank(use: PackUse, sizeOf: (pack: number) => number): number {
  return use.kind !== 'data' ? 0 : sizeOf(use.pack) < smallPack ? 1 : 2;
}

function toleratedBytes(maxUnused: NonNullable<PruneOptions['maxUnused']>, usedBytes: number): number {
  if (maxUnused === 'unlimited') return Number.POSITIVE_INFINITY;
  if (typeof maxUnused === 'number') return maxUnused;
  const percent = Number(maxUnused.slice(0, -1));
  if (!(percent >= 0 && percent <= 100))
    throw new HoldfastError('usage', { reason: `"${maxUnused}" is no share from 0% to 100%`, help: 'holdfast prune --help' });
  // A share of the whole: x used bytes and p percent unused are x / (1 - p) bytes.
  return percent === 100 ? Number.POSITIVE_INFINITY : (percent / (100 - percent)) * usedBytes;
}
