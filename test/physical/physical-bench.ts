/** A repository of its own, base backups into it, and data directories put together from it: what tests of physical backups share. */
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planRestore } from '../../src/engine/restore/plan-restore.ts';
import { executeRestore } from '../../src/engine/restore/execute-restore.ts';
import { initRepository, type Repository } from '../../src/engine/repository.ts';
import { loadSnapshots, type LoadedSnapshot } from '../../src/engine/snapshots/load-snapshots.ts';
import { type EventSink, ignoreEvents } from '../../src/events.ts';
import { backUp } from '../../src/operations/back-up.ts';
import { openCapturedTree } from '../../src/operations/captured-tree.ts';
import { parseConnection } from '../../src/sources/postgres/connection.ts';
import { createHostServer } from '../../src/sources/postgres/host-server.ts';
import { assembleBase, type AssembledBase, type BaseInChain } from '../../src/sources/postgres/physical/assemble-base.ts';
import { baseLayout } from '../../src/sources/postgres/physical/base-layout.ts';
import { type BaseManifest, readBaseManifest } from '../../src/sources/postgres/physical/base-manifest.ts';
import { createBaseSource } from '../../src/sources/postgres/physical/base-source.ts';
import type { SnapshotInChain } from '../../src/sources/postgres/physical/synthetic-full.ts';
import { connectReplication } from '../../src/sources/postgres/replication/connect-replication.ts';
import type { CapturedTree, Source } from '../../src/sources/source.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import type { ThrowawayCluster } from '../harness/postgres/throwaway-cluster.ts';

/** A base backup in the repository. */
export interface StoredBase extends BaseInChain, SnapshotInChain {
  readonly snapshotId: string;
  readonly manifest: BaseManifest;
  readonly tree: CapturedTree;
  /** Bytes that the repository grew by. */
  readonly added: number;
}

export interface IncrementOf {
  readonly previous?: StoredBase;
  readonly serverSide?: boolean;
}

export interface PhysicalBench {
  readonly folder: string;
  readonly repository: Repository;
  backUp(cluster: ThrowawayCluster, options?: IncrementOf): Promise<StoredBase>;
  /** Stores any source, and reads it back as a base backup. */
  store(source: Source): Promise<StoredBase>;
  /** Every base backup up to this one. */
  chainOf(last: StoredBase): StoredBase[];
  /** Tablespaces go beside the target. */
  assemble(chain: readonly StoredBase[], target: string, signal?: AbortSignal): Promise<AssembledBase>;
  close(): Promise<void>;
}

export const tablespaceBeside = (target: string, oid: string): string => `${target}-tablespace-${oid}`;

export async function makePhysicalBench(events: EventSink = ignoreEvents): Promise<PhysicalBench> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-physical-'));
  const storage = createLocalStorage(join(folder, 'repository'));
  await storage.create();
  const repository = await initRepository(storage, { password: 'x' });
  const { signal } = new AbortController();
  const context = { events, signal };
  const known = new Map<string, StoredBase>();
  const store = async (source: Source): Promise<StoredBase> => {
    const report = await backUp(repository, { components: [{ source, paths: ['/postgres'] }] }, context);
    const [saved] = report.saved;
    const snapshotId = saved?.summary.snapshotId;
    const snapshot = (await loadSnapshots(repository)).find(({ id }) => id === snapshotId);
    if (snapshotId === undefined || snapshot === undefined) throw new Error('no snapshot was made');
    const tree = openCapturedTree(repository, snapshot, signal);
    const base: StoredBase = {
      snapshotId,
      manifest: await readBaseManifest('base.json', tree.read(baseLayout.manifest)),
      tree,
      added: saved?.summary.dataAddedPacked ?? 0,
      restoreTo: (path, target) => restorePart(repository, snapshot, { path, target, events, signal }),
    };
    known.set(snapshotId, base);
    return base;
  };
  return {
    folder,
    repository,
    store,
    backUp: (cluster, { previous, serverSide = false } = {}) => {
      const connection = parseConnection(cluster.url('postgres'), {});
      return store(
        createBaseSource({
          component: 'database',
          server: createHostServer({ connection, environment: {} }),
          connect: ({ signal: stop }) => connectReplication({ connection, signal: stop }),
          mode: previous === undefined ? 'full' : 'increment',
          ...(previous === undefined ? {} : { previous }),
          serverSide,
          checkpoint: 'fast',
        }),
      );
    },
    chainOf: (last) =>
      [...last.manifest.chain, last.snapshotId].map((id) => {
        const base = known.get(id);
        if (base === undefined) throw new Error(`no base backup ${id}`);
        return base;
      }),
    assemble: async (chain, target, stop = signal) => {
      const oids = chain.at(-1)?.manifest.tablespaces ?? [];
      const tablespaces = new Map(oids.map(({ oid }) => [oid, tablespaceBeside(target, oid)]));
      return assembleBase({ chain, target, tablespaces, events, signal: stop });
    },
    close: async () => {
      await repository.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Part {
  readonly path: string;
  readonly target: string;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

async function restorePart(repository: Repository, snapshot: LoadedSnapshot, { path, target, ...context }: Part): Promise<void> {
  await mkdir(target, { recursive: true });
  const { tree, paths } = snapshot.snapshot;
  const plan = await planRestore(repository, { id: snapshot.id, tree, paths }, { target, subPath: path, sparse: false }, context);
  const { problems } = await executeRestore(repository, plan, context);
  if (problems > 0) throw new Error(`${problems} problems while restoring ${path}`);
}
