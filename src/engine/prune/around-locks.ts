/**
 * What prune can do where objects are locked. A pack goes only when it is unlocked and so is every index file that names it: an index must never name
 * a pack that is not there. Index files that name packs that nothing needs are made needless by new ones without them, so that their locks may run out.
 */
import { mapConcurrently } from '../concurrency.ts';
import { readIndex } from '../index/index-file.ts';
import { keyOf, type FileType } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { isError } from '../../errors.ts';

/** What a plan does instead of replacing all index files. */
export interface AroundLocks {
  /** Packs that stay and are to be named by new index files, since only index files that name unneeded packs name them. */
  readonly reindexPacks: readonly string[];
  /** Index files that go once that is done. */
  readonly removeIndexFiles: readonly string[];
  /** Packs that nothing needs and that wait for a lock: theirs, or that of an index file that names them. */
  readonly waitingPacks: readonly string[];
  readonly waitingBytes: number;
  /** RFC 3339: when the last of those locks is over. Absent where nothing waits. */
  readonly waitingUntil?: string;
}

const askedAtOnce = 8;

/** Which packs each index file names. Throws `damaged`, `storage-missing`. */
export async function readPacksOfIndexFiles(repository: Repository, files: readonly string[]): Promise<Map<string, ReadonlySet<string>>> {
  const named = new Map<string, ReadonlySet<string>>();
  for (const file of files) {
    const packs = new Set<string>();
    readIndex(await repository.readFile('index', file), { pack: (id) => void packs.add(id), blob: () => {} });
    named.set(file, packs);
  }
  return named;
}

/** Until when files are locked: those that are, and are there. */
export async function findLocked(repository: Repository, type: FileType, ids: Iterable<string>): Promise<Map<string, Date>> {
  const { retention } = repository.storage;
  const locked = new Map<string, Date>();
  if (retention === undefined) return locked;
  const now = repository.clock.now();
  await mapConcurrently(ids, askedAtOnce, async (id) => {
    try {
      const until = await retention.lockedUntil(keyOf(type, id));
      if (until !== undefined && until > now) locked.set(id, until);
    } catch (error) {
      if (!isError(error, 'storage-missing')) throw error;
    }
  });
  return locked;
}

export interface UnneededPacks {
  /** Packs that are there and that nothing needs, with their sizes. */
  readonly there: ReadonlyMap<string, number>;
  /** Packs that an index names, that are not there, and that nothing needs. */
  readonly missing: readonly string[];
}

/** What goes, what waits, and which index files are to be written anew. */
export async function planAroundLocks(
  repository: Repository,
  indexFiles: readonly string[],
  { there, missing }: UnneededPacks,
): Promise<AroundLocks & { readonly deletePacks: readonly string[]; readonly forgetPacks: readonly string[] }> {
  const unneeded = new Set([...there.keys(), ...missing]);
  const named = unneeded.size === 0 ? new Map<string, ReadonlySet<string>>() : await readPacksOfIndexFiles(repository, indexFiles);
  const { soiled, onlySoiled } = sortIndexFiles(named, unneeded);
  const lockedFiles = await findLocked(repository, 'index', soiled);
  const lockedPacks = await findLocked(repository, 'pack', there.keys());
  const files = new Set(soiled.filter((file) => !lockedFiles.has(file)));
  const packs = new Set([...unneeded].filter((pack) => !lockedPacks.has(pack)));
  // What one of them waits for, the other waits for too, and so on.
  for (let settled = false; !settled;) {
    settled = true;
    for (const file of soiled)
      for (const pack of named.get(file) ?? []) {
        if (!unneeded.has(pack) || files.has(file) === packs.has(pack)) continue;
        settled = false;
        files.delete(file);
        packs.delete(pack);
      }
  }
  const waitingPacks = [...there.keys()].filter((pack) => !packs.has(pack));
  const until = [...lockedFiles.values(), ...lockedPacks.values()].map((date) => date.getTime());
  return {
    deletePacks: [...there.keys()].filter((pack) => packs.has(pack)),
    forgetPacks: missing.filter((pack) => packs.has(pack)),
    reindexPacks: onlySoiled,
    removeIndexFiles: [...files],
    waitingPacks,
    waitingBytes: waitingPacks.reduce((sum, pack) => sum + (there.get(pack) ?? 0), 0),
    ...(waitingPacks.length === 0 || until.length === 0 ? {} : { waitingUntil: new Date(Math.max(...until)).toISOString() }),
  };
}

/** Index files that name unneeded packs, and the needed packs that no other index file names. */
export function sortIndexFiles(
  named: ReadonlyMap<string, ReadonlySet<string>>,
  unneeded: ReadonlySet<string>,
): { readonly soiled: readonly string[]; readonly onlySoiled: readonly string[] } {
  const soiled = [...named].filter(([, packs]) => !packs.isDisjointFrom(unneeded)).map(([file]) => file);
  const isSoiled = new Set(soiled);
  const covered = new Set([...named].flatMap(([file, packs]) => (isSoiled.has(file) ? [] : [...packs])));
  const onlySoiled = new Set(
    soiled.flatMap((file) => [...(named.get(file) ?? [])].filter((pack) => !unneeded.has(pack) && !covered.has(pack))),
  );
  return { soiled, onlySoiled: [...onlySoiled] };
}
