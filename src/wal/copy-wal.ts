/** The WAL of a cluster from one repository to another: what base backups there need and is not there yet. */
import { isError } from '../errors.ts';
import * as names from './object-names.ts';
import { openWalArchive } from './open-wal-archive.ts';
import { planWalExpiry, type KeptBase } from './plan-expiry.ts';
import type { WalObjects } from './wal-objects.ts';

export interface WalCopy {
  readonly from: WalObjects;
  readonly to: WalObjects;
  readonly systemId: string;
  /** The base backups of the cluster that are in the other repository. */
  readonly bases: readonly KeptBase[];
  readonly signal: AbortSignal;
  /** Told after each object. */
  readonly onObject?: (name: string, bytes: number) => void;
}

export interface CopiedWal {
  readonly objects: number;
  /** Of WAL, before compression. */
  readonly bytes: number;
}

/* A receiver may finish segments meanwhile, and remove the parts that a listing showed. */
const mostPasses = 4;

/**
 * Copies in the order of the log, so that whatever is there after an interruption can be used, and the next copy goes on behind it. Parts of a
 * segment give way to the whole one. Without bases nothing is copied. Throws `damaged`, and what storages throw.
 */
export async function copyWal(copy: WalCopy): Promise<CopiedWal> {
  const copied = { objects: 0, bytes: 0 };
  if (copy.bases.length === 0) return copied;
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const missing = await findMissing(copy);
    let vanished = 0;
    for (const name of missing) {
      copy.signal.throwIfAborted();
      const bytes = await copyObject(copy, name);
      if (bytes === undefined) vanished += 1;
      else {
        copied.objects += 1;
        copied.bytes += bytes;
        copy.onObject?.(name, bytes);
      }
    }
    await removeReplaced(copy);
    if (vanished === 0) break;
  }
  return copied;
}

/** Histories first, then segments and parts by timeline and position; what says how far the log reached comes last. */
async function findMissing(copy: WalCopy): Promise<string[]> {
  const { from, to, systemId, bases } = copy;
  const unneeded = await namesNotNeeded(copy, bases);
  const there = new Set<string>();
  for await (const { name } of to.list(names.clusterFolder(systemId))) there.add(name);
  const missing: { readonly name: string; readonly rank: number }[] = [];
  for await (const { name } of from.list(names.clusterFolder(systemId))) {
    const stored = names.readStoredName(name.slice(names.clusterFolder(systemId).length))?.stored;
    if (stored === undefined || unneeded.has(name)) continue;
    if (there.has(name) && stored.kind !== 'position') continue;
    // A whole segment that is there has all that its parts have.
    if (stored.kind === 'part' && there.has(name.slice(0, name.indexOf('.part.')))) continue;
    missing.push({ name, rank: stored.kind === 'history' ? 0 : stored.kind === 'position' ? 2 : 1 });
  }
  return missing.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
}

async function namesNotNeeded({ from, systemId }: WalCopy, bases: readonly KeptBase[]): Promise<Set<string>> {
  const plan = await planWalExpiry(openWalArchive(from, systemId), bases);
  return new Set([
    ...plan.segments.map((segment) => names.segmentObject(systemId, segment)),
    ...plan.parts.map(({ segment, part }) => names.partObject(systemId, segment, part)),
    ...plan.files.flatMap((file) => names.fileObject(systemId, file) ?? []),
  ]);
}

/** Undefined where it is gone meanwhile. */
async function copyObject({ from, to, signal }: WalCopy, name: string): Promise<number | undefined> {
  try {
    const { header, body } = await from.get(name, signal);
    await to.put(name, header, body, { signal });
    return body.length;
  } catch (error) {
    if (isError(error, 'storage-missing')) return undefined;
    throw error;
  }
}

async function removeReplaced({ to, systemId }: WalCopy): Promise<void> {
  const archive = openWalArchive(to, systemId);
  for (const { whole, parts } of await archive.timelines())
    for (const { name } of whole) if (parts.has(name)) await archive.removeParts(name, parts.get(name) ?? []);
}
