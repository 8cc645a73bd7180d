/** What metrics tell of a repository and is not needed for judging: read once an hour, and never by listing all that lies in a store. */
import type { Configuration } from '../../config/configuration.ts';
import { loadLocks } from '../../engine/lock/lock-file.ts';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf } from '../../errors.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { applicationOf, isOwnPoint, loadPoints, type Point } from '../points.ts';
import { listWalSystems, openWalArchive } from '../../wal/open-wal-archive.ts';
import { findConfiguredWal } from '../wal/configured-wal.ts';
import { readWalStatus, type WalStatus } from '../wal/wal-status.ts';
import type { LogMeasures, RepositoryMeasures } from './status-measures.ts';

export interface MeasuredRepository {
  readonly measures: RepositoryMeasures;
  /** By component: what its newest capture added, as it is stored. */
  readonly added: ReadonlyMap<string, number>;
}

/** What cannot be read is left out, with a notice. Throws `interrupted`. */
export async function measureRepository(
  repository: Repository,
  application: string,
  { events, signal }: ApplicationContext,
): Promise<MeasuredRepository> {
  const softly = async <Value>(what: string, work: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      events({ type: 'notice', message: `${what} of ${repository.location} cannot be measured: ${reasonOf(error)}` });
      return undefined;
    }
  };
  const points = (await softly('The points', () => loadPoints(repository))) ?? [];
  const size = await softly('The size', () => readSize(repository));
  const oldestLock = await softly('The locks', () => readOldestLock(repository));
  const content = contentOf(points);
  return {
    measures: {
      ...(size === undefined ? {} : { size }),
      ...(size === undefined || size === 0 || content === undefined ? {} : { dedup_ratio: content / size }),
      ...(oldestLock === undefined ? {} : { oldest_lock: oldestLock.toISOString() }),
    },
    added: addedOf(points.filter((point) => applicationOf(point) === application && isOwnPoint(point))),
  };
}

/** What the index says of the packs, and the log beside them. What no index names is not counted: the next prune removes it. */
async function readSize(repository: Repository): Promise<number> {
  const index = await repository.loadIndex();
  let size = 0;
  for (let entry = 0; entry < index.size; entry++) size += index.lengthOf(entry);
  const objects = openSealedObjects(repository);
  for (const systemId of await listWalSystems(objects))
    for (const { storedBytes } of await openWalArchive(objects, systemId).coverage()) size += storedBytes;
  return size;
}

async function readOldestLock(repository: Repository): Promise<Date | undefined> {
  const times = (await loadLocks(repository)).flatMap((loaded) => ('lock' in loaded ? [loaded.lock.time] : []));
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

/** Of all applications: they share what is stored. Undefined where a point does not say it. */
function contentOf(points: readonly Point[]): number | undefined {
  let content = 0;
  for (const { components } of points)
    for (const { snapshot } of components) {
      if (snapshot.summary === undefined) return undefined;
      content += snapshot.summary.total_bytes_processed;
    }
  return content;
}

function addedOf(points: readonly Point[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { components } of points)
    for (const { tags, snapshot } of components)
      if (snapshot.summary !== undefined) found.set(tags.component, snapshot.summary.data_added_packed);
  return found;
}

/** How far the stored logs are behind their servers, which are asked for it. */
export async function measureLogs(
  repository: Repository,
  configuration: Configuration,
  context: ApplicationContext,
): Promise<readonly LogMeasures[]> {
  const measured: LogMeasures[] = [];
  for (const { name, source } of configuration.components) {
    if (source.kind !== 'postgres-base') continue;
    try {
      const configured = findConfiguredWal(configuration, name, context);
      measured.push(
        measuresOf(
          name,
          await readWalStatus(repository, { server: await configured.open(), slot: configured.slot }, context),
          context.clock.now(),
        ),
      );
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.events({ type: 'notice', message: `How far the write-ahead log of ${name} goes cannot be measured: ${reasonOf(error)}` });
    }
  }
  return measured;
}

function measuresOf(component: string, { clusters, server }: WalStatus, now: Date): LogMeasures {
  const reached = server?.reachable === true ? server : undefined;
  const cluster = reached === undefined ? undefined : clusters.find(({ systemId }) => systemId === reached.systemId);
  const stored = cluster?.timelines.find(({ timeline }) => timeline === reached?.timeline)?.newest?.at;
  const { lagBytes, slot } = reached ?? {};
  return {
    component,
    ...(lagBytes === undefined ? {} : { lag_bytes: lagBytes }),
    ...(lagBytes === undefined || (stored === undefined && lagBytes > 0)
      ? {}
      : { lag_seconds: lagBytes === 0 || stored === undefined ? 0 : Math.max(0, (now.getTime() - stored.getTime()) / 1000) }),
    ...(stored === undefined ? {} : { newest: stored.toISOString() }),
    ...(slot === undefined ? {} : { slot_active: slot.active }),
    ...(slot?.retained === undefined ? {} : { slot_retained_bytes: slot.retained }),
    ...(cluster === undefined ? {} : { gaps: cluster.timelines.reduce((sum, { gaps }) => sum + gaps.length, 0) }),
  };
}
