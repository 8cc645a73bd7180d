import { BitSet } from '../index/bit-set.ts';
import type { Repository } from '../repository.ts';
import { isUsable, refuse, type Survey } from './survey-repository.ts';

/** What a pack holds once one copy of each used blob has been chosen. */
export interface PackUse {
  readonly pack: number;
  readonly usedBlobs: number;
  readonly usedBytes: number;
  readonly unusedBlobs: number;
  readonly unusedBytes: number;
  readonly kind: 'data' | 'tree' | 'mixed';
}

const mostCounted = 255;

/**
 * Chooses for every used blob the copy that stays, so that as few packs as possible must be rewritten: a copy beside other blobs that
 * are used nowhere else, or in a pack of nothing but copies (an interrupted prune leaves such), and otherwise the last one.
 *
 * @returns by pack number. Throws `prune-refused` when a used blob has no copy in a pack that is there whole.
 */
export function choosePackUses(repository: Repository, survey: Survey): PackUse[] {
  const { index, used, indexedPacks } = survey;
  const copies = countCopies(survey);
  for (let entry = 0; entry < index.size; entry++) {
    if (!used.has(entry) || copies[entry] !== 0) continue;
    const { pack } = index.place(entry);
    throw refuse(
      repository,
      `${index.typeOf(entry)} blob ${index.idOf(entry)} is needed, and its pack ${pack} is missing or of the wrong size`,
    );
  }
  const chosen = new BitSet(index.size);
  for (let pack = 0; pack < indexedPacks; pack++) if (isUsable(survey, pack)) chooseIn(survey, pack, copies, chosen);
  return Array.from({ length: indexedPacks }, (_, pack) => sumUp(survey, chosen, pack));
}

/** `copies` counts down to the last one, and is 0 once a copy is chosen. */
function chooseIn({ byPack, canonical }: Survey, pack: number, copies: Uint8Array, chosen: BitSet): void {
  const entries = byPack.of(pack);
  const counts = Array.from(entries, (entry) => copies[canonical[entry] ?? 0] ?? 0);
  const staysAnyway = counts.includes(1) || !counts.includes(0);
  for (const entry of entries) {
    const blob = canonical[entry] ?? 0;
    const left = copies[blob] ?? 0;
    if (left === 0) continue;
    // 255 may stand for more; then this copy is taken rather than a count that is not exact.
    if (left === 1 || left === mostCounted || staysAnyway) {
      chosen.add(entry);
      copies[blob] = 0;
    } else {
      copies[blob] = left - 1;
    }
  }
}

/** By canonical entry: in how many usable packs a used blob is, at most 255; 0 for one that is not used. */
function countCopies(survey: Survey): Uint8Array {
  const { index, byPack, canonical, used, indexedPacks } = survey;
  const copies = new Uint8Array(index.size);
  for (let pack = 0; pack < indexedPacks; pack++) {
    if (!isUsable(survey, pack)) continue;
    for (const entry of byPack.of(pack)) {
      const blob = canonical[entry] ?? 0;
      if (used.has(blob)) copies[blob] = Math.min(mostCounted, (copies[blob] ?? 0) + 1);
    }
  }
  return copies;
}

function sumUp({ index, byPack }: Survey, chosen: BitSet, pack: number): PackUse {
  const use = { pack, usedBlobs: 0, usedBytes: 0, unusedBlobs: 0, unusedBytes: 0 };
  let trees = 0;
  const entries = byPack.of(pack);
  for (const entry of entries) {
    if (index.typeOf(entry) === 'tree') trees += 1;
    if (chosen.has(entry)) {
      use.usedBlobs += 1;
      use.usedBytes += index.lengthOf(entry);
    } else {
      use.unusedBlobs += 1;
      use.unusedBytes += index.lengthOf(entry);
    }
  }
  return { ...use, kind: trees === 0 ? 'data' : trees === entries.length ? 'tree' : 'mixed' };
}
