/** Puts a base backup and its increments together in a folder that PostgreSQL can start from. */
import { HoldfastError } from '../../../errors.ts';
import type { EventSink } from '../../../events.ts';
import { applyFolder } from './apply-folder.ts';
import { openAssembly, type Assembly, type AssemblyFolder } from './assembly-folders.ts';
import { baseLayout, tablespaceFolder } from './base-layout.ts';
import type { BaseManifest } from './base-manifest.ts';
import { checkAssembly } from './check-assembly.ts';
import { checkChain } from './check-chain.ts';
import { finishServerIncrements } from './finish-server-increments.ts';

/** One snapshot of a chain, as whoever has the repository sees it. */
export interface BaseInChain {
  readonly snapshotId: string;
  readonly manifest: BaseManifest;
  /**
   * Restores what lies below a folder of the snapshot (such as baseLayout.data) directly into a folder of this machine, verified, with modes, owners and links
   * as they are. The folder is there and empty. Rejects when anything could not be restored.
   */
  restoreTo(path: string, folder: string): Promise<void>;
}

export interface AssembleRequest {
  /** The full, then every increment up to the one that is wanted. */
  readonly chain: readonly BaseInChain[];
  /** Becomes the data directory. Absent, empty, or what an assembly that died has left. */
  readonly target: string;
  /** Where each tablespace goes, by oid: one for each of the last manifest. As empty as the target, and absolute. */
  readonly tablespaces: ReadonlyMap<string, string>;
  /**
   * Where the server will find the tablespaces, by oid, if that is elsewhere: its container may see the folders under other names.
   */
  readonly links?: ReadonlyMap<string, string>;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

export interface AssembledBase {
  /** Of the last of the chain. */
  readonly manifest: BaseManifest;
  /** Files and bytes that were compared with the server's manifest. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Restores the full, applies the increments in order, compares the result with the server's manifest (files, sizes, checksums) and makes it durable. All of it happens
 * in `holdfast-incomplete` inside the target and the folders of the tablespaces; what is whole is moved up at the very end, `global` with pg_control last: PostgreSQL
 * starts from nothing less. Configuration from outside the data directory is not restored. The folders become 0700, and belong to whom their content belongs.
 *
 * @throws HoldfastError `target-unusable`, `target-full`, `damaged` (a chain that does not fit together), `base-mismatch` (the result is not what the server sent), `interrupted`,
 * and what `restoreTo` throws. The unfinished work stays in `holdfast-incomplete`, and the next assembly removes it.
 */
export async function assembleBase(request: AssembleRequest): Promise<AssembledBase> {
  const { events, signal } = request;
  const { full, increments, last } = checkChain(request.chain);
  const assembly = await openAssembly(request.target, placesOf(last, request));
  return assembly.guard(async () => {
    events({ type: 'phase', phase: 'restore the base backup' });
    await restoreParts(full, assembly, 'base');
    const combined = new Set<string>();
    for (const [at, increment] of increments.entries()) {
      events({ type: 'phase', phase: `apply increment ${at + 1} of ${increments.length}` });
      combined.clear();
      await restoreParts(increment, assembly, 'increment');
      for (const { base, increment: from, name } of assembly.folders)
        await applyFolder({
          from,
          to: base,
          name,
          pageSize: increment.manifest.pageSize,
          signal,
          onCombined: (path) => combined.add(path),
        });
      await assembly.removeIncrement();
    }
    await assembly.setLinks(request.links ?? request.tablespaces);
    events({ type: 'phase', phase: 'verify' });
    const made = last.manifest.serverSide === true ? await finishServerIncrements(assembly, { combined, signal }) : undefined;
    const checked = await checkAssembly(assembly, { made, events, signal });
    await assembly.moveUp();
    return { manifest: last.manifest, ...checked };
  });
}

function placesOf(last: BaseInChain, { tablespaces }: AssembleRequest): { readonly oid: string; readonly folder: string }[] {
  return last.manifest.tablespaces.map(({ oid, location }) => {
    const folder = tablespaces.get(oid);
    if (folder === undefined)
      throw new HoldfastError('target-unusable', { path: location, reason: `it is not said where the tablespace ${oid} is to go` });
    return { oid, folder };
  });
}

/** A tablespace that the last backup has not is not restored; one that this backup has not yet stays empty. */
async function restoreParts(base: BaseInChain, { folders }: Assembly, part: 'base' | 'increment'): Promise<void> {
  const there = new Set(base.manifest.tablespaces.map(({ oid }) => oid));
  const has = ({ oid }: AssemblyFolder): boolean => oid === undefined || there.has(oid);
  for (const folder of folders.filter(has))
    await base.restoreTo(folder.oid === undefined ? baseLayout.data : tablespaceFolder(folder.oid), folder[part]);
}
