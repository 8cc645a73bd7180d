/** What there is in a repository, down to the bytes of one file. Everything here reads under a shared lock. */
import { catObject, type ObjectType } from '../engine/browse/cat-object.ts';
import { diffSnapshots, type DiffOptions, type DiffSummary, type SnapshotChange } from '../engine/browse/diff-snapshots.ts';
import { findNodes, type FindQuery, type FoundNode } from '../engine/browse/find-nodes.ts';
import { findNode, listNodes, type NodeAtPath } from '../engine/browse/list-nodes.ts';
import { readNode } from '../engine/browse/read-node.ts';
import type { WalkedEntry } from '../engine/browse/walk-tree.ts';
import type { Repository } from '../engine/repository.ts';
import type { RunContext } from '../engine/run-context.ts';
import type { TreeNode } from '../engine/tree/node.ts';
import { HoldfastError, isError } from '../errors.ts';
import { type FoundPoint, findPoint } from './find-point.ts';
import { type LockChoice, withReadLock } from './open-session.ts';
import { loadPoints, type Point, type PointComponent } from './points.ts';
import type { PointRequest } from './point-request.ts';

interface BrowseRequest {
  readonly lock: LockChoice;
}

/** Finds the point that is meant; a notice tells which one a time has chosen. Throws `snapshot-missing`. */
export async function locatePoint(
  repository: Repository,
  request: PointRequest,
  { events }: Pick<RunContext, 'events'>,
): Promise<FoundPoint> {
  return findPoint(await loadPoints(repository), { ...request, now: repository.clock.now(), events });
}

export interface ListRequest extends BrowseRequest {
  readonly point: PointRequest;
  /** Absolute within the point; everything by default. */
  readonly path?: string;
  readonly recursive: boolean;
  onPoint?(found: FoundPoint): void;
  /** Told every entry; false stops. */
  onEntry(entry: WalkedEntry): boolean | void;
}

/** The entries of a point, component after component. Throws `path-missing` when no component has the path. */
export async function listEntries(repository: Repository, request: ListRequest, context: RunContext): Promise<void> {
  await withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async ({ signal, events }) => {
      const found = await locatePoint(repository, request.point, { events });
      request.onPoint?.(found);
      const components = await holding(repository, found, request.path ?? '/');
      for (const component of components) {
        for await (const entry of listNodes(repository, component, request.path, { recursive: request.recursive, signal })) {
          if (request.onEntry(entry) === false) return;
        }
      }
    },
  });
}

export interface FindRequest extends BrowseRequest {
  /** Only these points; all by default. */
  readonly points?: readonly PointRequest[];
  /** Which of all points count. */
  among(point: Point): boolean;
  readonly query: FindQuery;
  /** Told every entry with the point that has it; false stops. */
  onFound(found: FoundNode, point: Point): boolean | void;
}

/** Looks for entries in many points, oldest first. */
export async function findEntries(repository: Repository, request: FindRequest, context: RunContext): Promise<void> {
  await withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async ({ signal, events }) => {
      const points = await loadPoints(repository);
      const now = repository.clock.now();
      const chosen =
        request.points === undefined
          ? points.filter((point) => request.among(point)).map((point) => ({ point, components: point.components }))
          : request.points.map((point) => findPoint(points, { ...point, now, events }));
      const pointOf = new Map(chosen.flatMap(({ point, components }) => components.map(({ id }) => [id, point])));
      const snapshots = chosen.flatMap(({ components }) => components);
      for await (const found of findNodes(repository, snapshots, { ...request.query, signal })) {
        const point = pointOf.get(found.snapshot.id);
        if (point !== undefined && request.onFound(found, point) === false) return;
      }
    },
  });
}

export interface DiffRequest extends BrowseRequest {
  readonly from: PointRequest;
  readonly to: PointRequest;
  readonly metadata: boolean;
  onChange(change: SnapshotChange): void;
}

export interface ComparedComponent {
  readonly component: string;
  readonly from: string;
  readonly to: string;
  readonly summary: DiffSummary;
}

/** Compares two points, each component with its namesake. Throws `snapshot-missing` when they have none in common. */
export async function diffPoints(repository: Repository, request: DiffRequest, context: RunContext): Promise<ComparedComponent[]> {
  return withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async ({ signal, events }) => {
      const from = await locatePoint(repository, request.from, { events });
      const to = await locatePoint(repository, request.to, { events });
      const pairs = pairComponents(from.components, to.components);
      if (pairs.length === 0)
        throw new HoldfastError('snapshot-missing', {
          name: request.to.name,
          reason: `it has no component in common with "${request.from.name}"`,
        });
      const options: DiffOptions = { metadata: request.metadata, signal };
      const compared: ComparedComponent[] = [];
      for (const [left, right] of pairs) {
        const summary = await diffSnapshots(repository, left, right, (change) => request.onChange(change), options);
        compared.push({ component: right.tags.component, from: left.id, to: right.id, summary });
      }
      return compared;
    },
  });
}

/** Two single components are compared whatever they are called. */
function pairComponents(from: readonly PointComponent[], to: readonly PointComponent[]): [PointComponent, PointComponent][] {
  const [left, right] = [from[0], to[0]];
  if (from.length === 1 && to.length === 1 && left !== undefined && right !== undefined) return [[left, right]];
  return from.flatMap((one) => {
    const other = to.find(({ tags }) => tags.component === one.tags.component);
    return other === undefined ? [] : [[one, other] satisfies [PointComponent, PointComponent]];
  });
}

export interface ReadRequest extends BrowseRequest {
  readonly point: PointRequest;
  readonly path: string;
  /** Takes the bytes, one piece after the other; false stops. */
  onBytes(chunk: Uint8Array): Promise<boolean | void>;
}

/** The verified bytes of one file. Throws `path-missing`, `damaged`, `blob-missing`. */
export async function readFileOf(repository: Repository, request: ReadRequest, context: RunContext): Promise<void> {
  await withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async ({ signal, events }) => {
      const { node } = await locateFile(repository, request, { events });
      for await (const chunk of readNode(repository, node, { signal })) if ((await request.onBytes(chunk)) === false) return;
    },
  });
}

async function locateFile(
  repository: Repository,
  { point, path }: ReadRequest,
  context: Pick<RunContext, 'events'>,
): Promise<{ node: TreeNode }> {
  const found = await locatePoint(repository, point, context);
  for (const component of await holding(repository, found, path)) {
    const at = await findNode(repository, component, path);
    if ('node' in at && at.node.type === 'file') return at;
  }
  throw new HoldfastError('path-not-file', { path });
}

/** One of the repository's own objects. Throws `object-missing`, `damaged`. */
export function readObjectOf(
  repository: Repository,
  type: ObjectType,
  id: string,
  lock: LockChoice,
  context: RunContext,
): Promise<Uint8Array> {
  return withReadLock({ repository, lock, context, work: () => catObject(repository, { type, id }) });
}

/** Those of a point's components that have the path. Throws `path-missing` when none has. */
export async function holding(repository: Repository, { components }: FoundPoint, path: string): Promise<PointComponent[]> {
  const there: PointComponent[] = [];
  let firstError: unknown;
  for (const component of components) {
    const at = await findNodeOrMissing(repository, component, path);
    if (isError(at, 'path-missing')) firstError ??= at;
    else there.push(component);
  }
  if (there.length === 0) throw firstError;
  return there;
}

async function findNodeOrMissing(repository: Repository, component: PointComponent, path: string): Promise<NodeAtPath | HoldfastError> {
  try {
    return await findNode(repository, component, path);
  } catch (error) {
    if (isError(error, 'path-missing')) return error;
    throw error;
  }
}
