/** What lies in an archive class is brought back before it is needed: a plan of what that is, the request for each object, and the wait until all can be read. */
import { findReachableBlobs } from '../engine/browse/reachable-blobs.ts';
import { findNode } from '../engine/browse/list-nodes.ts';
import { keyOf } from '../engine/layout.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { ArchiveAccess, RetrievalSpeed } from '../storage/storage.ts';
import { type LockChoice, withReadLock } from './open-session.ts';
import type { Point, PointComponent } from './points.ts';
import { loadPoints } from './points.ts';
import { retrieveObjects, type RetrievalPlan, type RetrievalWait } from './retrieve-objects.ts';

/** What is to be read afterwards. */
export type RetrievalScope =
  /** All data. */
  | 'all'
  /** The lists of folders only. */
  | 'folders'
  /** What these components, or what lies below a path in them, cannot be restored without. */
  | { readonly path?: string | undefined; readonly choose: (points: readonly Point[]) => readonly PointComponent[] };

export interface RetrievalRequest {
  readonly scope: RetrievalScope;
  readonly speed: RetrievalSpeed;
  readonly lock: LockChoice;
  /** Nothing is asked for, and nothing waited for. */
  readonly dryRun: boolean;
  /** Shown each plan before anything is asked for. There may be two: which data is needed stands in the lists of folders. */
  readonly onPlan: (plan: RetrievalPlan) => void;
  readonly wait?: RetrievalWait;
}

/**
 * Makes what is to be read readable, and waits for it: minutes or hours. What was asked for before is not asked for again, so it may be interrupted.
 *
 * @returns false where that is not known or done yet: after a dry run
 * @throws HoldfastError `snapshot-missing`, `path-missing`, `blob-missing`, `damaged`, `interrupted`, and what the storage throws
 */
export function retrieve(repository: Repository, request: RetrievalRequest, context: RunContext): Promise<boolean> {
  const { archive } = repository.storage;
  if (archive === undefined) return Promise.resolve(true);
  return withReadLock({ repository, lock: request.lock, context, work: (locked) => retrieveScope(repository, archive, request, locked) });
}

async function retrieveScope(
  repository: Repository,
  archive: ArchiveAccess,
  request: RetrievalRequest,
  context: RunContext,
): Promise<boolean> {
  const archived = new Map<string, number>();
  for await (const { key, size } of archive.list('data/', context.signal)) archived.set(key, size);
  if (archived.size === 0) return true;
  const index = await repository.loadIndex();
  const bring = (packs: Iterable<string>): Promise<boolean> => {
    const keys = [...packs].map((pack) => keyOf('pack', pack)).filter((key) => archived.has(key));
    return retrieveObjects(
      archive,
      keys.map((key) => ({ key, size: archived.get(key) ?? 0 })),
      request,
      context,
    );
  };
  if (request.scope === 'all') return bring(index.packs);
  const areFoldersThere = await bring(index.packs.filter((pack) => index.holdsTrees(pack)));
  if (request.scope === 'folders' || !areFoldersThere) return areFoldersThere;
  return bring(await findPacks(repository, request.scope, context));
}

/** The packs of all that the components reach, or of what lies below the path. */
async function findPacks(
  repository: Repository,
  { path, choose }: Exclude<RetrievalScope, string>,
  { signal }: RunContext,
): Promise<Set<string>> {
  const index = await repository.loadIndex();
  const packs = new Set<string>();
  const add = (id: string): void => {
    for (const entry of index.findAll(id, 'data')) packs.add(index.place(entry).pack);
  };
  const roots: { tree: string; user: string }[] = [];
  for (const component of choose(await loadPoints(repository))) {
    const at = path === undefined ? undefined : await findNode(repository, component, path).catch(missingIsNone);
    const tree = path === undefined ? component.snapshot.tree : at === undefined ? undefined : 'tree' in at ? at.tree : at.node.subtree;
    if (tree !== undefined) roots.push({ tree, user: `snapshot ${component.id}` });
    else if (at !== undefined && 'node' in at) for (const id of at.node.content ?? []) add(id);
  }
  const reached = await findReachableBlobs(repository, index, roots, observer, signal);
  for (let entry = 0; entry < index.size; entry++) if (reached.has(entry)) packs.add(index.place(entry).pack);
  return packs;
}

/** Not every component of a point has the path. */
function missingIsNone(error: unknown): undefined {
  if (error instanceof HoldfastError && error.code === 'path-missing') return undefined;
  throw error;
}

const observer = {
  missing: (type: string, id: string): never => {
    throw new HoldfastError('blob-missing', { type, id });
  },
  unreadable: (tree: string, error: unknown): never => {
    throw error instanceof HoldfastError ? error : new HoldfastError('damaged', { object: `tree ${tree}`, reason: reasonOf(error) }, error);
  },
};
