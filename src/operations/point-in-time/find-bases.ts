/** The base backups of a component, and what each builds on. */
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError } from '../../errors.ts';
import { baseLayout } from '../../sources/postgres/physical/base-layout.ts';
import { readBaseManifest, type BaseManifest } from '../../sources/postgres/physical/base-manifest.ts';
import { locatePoint } from '../browse.ts';
import { openCapturedTree } from '../captured-tree.ts';
import type { RunContext } from '../../engine/run-context.ts';
import type { PointRequest } from '../point-request.ts';
import { canBeRestored, describePoint, isOwnPoint, loadPoints, type PointComponent } from '../points.ts';

const baseKind = 'postgres-base';

/** A base backup as it stands in the repository. */
export interface StoredBase {
  readonly pointId: string;
  readonly snapshot: PointComponent;
  readonly manifest: BaseManifest;
}

/**
 * The snapshots that may be base backups of what is meant, newest first: one where a point is named by its id, else all of the component. `component` may also be
 * the one whose base backups are a component of their own beside it (`database` for `database-base`). Throws `snapshot-missing`, `usage`.
 */
export async function findBaseSnapshots(
  repository: Repository,
  request: PointRequest,
  context: RunContext,
): Promise<readonly { readonly pointId: string; readonly snapshot: PointComponent }[]> {
  const { name, component, filter } = request;
  if (name !== 'latest') {
    const { point, components } = await locatePoint(repository, { name, ...(filter === undefined ? {} : { filter }) }, context);
    const bases = components.filter((each) => isMeant(each, component));
    return requireSome(
      bases.map((snapshot) => ({ pointId: point.id, snapshot })),
      `the point ${point.id.slice(0, 8)} holds no base backup`,
    );
  }
  const hosts = filter?.hosts;
  const all = (await loadPoints(repository))
    .filter(isOwnPoint)
    .flatMap((point) => point.components.map((snapshot) => ({ point, pointId: point.id, snapshot })))
    .filter(({ snapshot }) => isMeant(snapshot, component))
    .filter(({ snapshot }) => hosts === undefined || hosts.includes(snapshot.snapshot.hostname ?? ''));
  const names = new Set(all.map(({ snapshot }) => snapshot.tags.component));
  if (names.size > 1)
    throw new HoldfastError('usage', {
      reason: `there are base backups of ${[...names].sort().join(', ')}, and --component says which are meant`,
      help: 'holdfast restore --help',
    });
  const of = component === undefined ? '' : ` of "${component}"`;
  requireSome(all, `there is no base backup${of}`);
  const whole = all.filter(({ point, snapshot }) => canBeRestored(point, [snapshot])).toReversed();
  const newest = all.at(-1)?.point;
  const { reason } = newest === undefined ? {} : describePoint(newest);
  if (whole.at(0)?.point !== newest && newest !== undefined && reason !== undefined)
    context.events({ type: 'notice', message: `The point ${newest.id.slice(0, 8)} is passed over: ${reason}.` });
  return requireSome(whole, `no base backup${of} is whole: in the newest, ${reason ?? ''}`);
}

function isMeant({ tags }: PointComponent, component: string | undefined): boolean {
  return tags.kind === baseKind && (component === undefined || tags.component === component || tags.component === `${component}-base`);
}

function requireSome<Found>(found: readonly Found[], reason: string): readonly Found[] {
  if (found.length === 0) throw new HoldfastError('snapshot-missing', { name: 'latest', reason });
  return found;
}

/** What a base says about itself. Throws `damaged`. */
export async function openBase(
  repository: Repository,
  { pointId, snapshot }: { readonly pointId: string; readonly snapshot: PointComponent },
  signal: AbortSignal,
): Promise<StoredBase> {
  const tree = openCapturedTree(repository, snapshot, signal);
  const manifest = await readBaseManifest(`${baseLayout.manifest} of ${snapshot.id.slice(0, 8)}`, tree.read(baseLayout.manifest));
  return { pointId, snapshot, manifest };
}

/** What a base builds on, from the full one on, and itself. Throws `snapshot-missing` where one of them is gone. */
export async function openChain(repository: Repository, base: StoredBase, signal: AbortSignal): Promise<readonly StoredBase[]> {
  if (base.manifest.chain.length === 0) return [base];
  const stored = (await loadPoints(repository)).flatMap((point) => point.components.map((snapshot) => ({ pointId: point.id, snapshot })));
  const chain: StoredBase[] = [];
  for (const id of base.manifest.chain) {
    // A copied snapshot has a new id.
    const found = stored.find(({ snapshot }) => snapshot.id === id || snapshot.snapshot.original === id);
    if (found === undefined)
      throw new HoldfastError('snapshot-missing', {
        name: id.slice(0, 8),
        reason: `the base backup ${base.snapshot.id.slice(0, 8)} builds on it, and it is gone`,
      });
    chain.push(await openBase(repository, found, signal));
  }
  return [...chain, base];
}
