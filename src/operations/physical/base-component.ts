/** A whole PostgreSQL server as a component: each time it is decided anew whether everything is stored, or what changed. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { BaseManifest } from '../../sources/postgres/physical/base-manifest.ts';
import type { CaptureContext, EarlierCapture, Source, StreamCapture, StreamEntry } from '../../sources/source.ts';
import type { ReplicationConnection } from '../../sources/postgres/replication/connect-replication.ts';
import type { PostgresServer } from '../../sources/postgres/server.ts';
import type { Clock } from '../../util/clock.ts';
import { beginOrRefuse } from './begin-or-refuse.ts';
import { type BasePolicy, chooseBase, type EarlierBase } from './choose-base.ts';

export interface BaseComponentOptions {
  readonly component: string;
  readonly server: PostgresServer;
  readonly connect: (context: CaptureContext) => Promise<ReplicationConnection>;
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  readonly checkpoint: 'fast' | 'spread';
  /** Bytes a second. */
  readonly rate?: number;
  readonly policy: BasePolicy;
  /** Makes a full one of what the repository has, without reading the server: the state is that of the newest base backup. */
  readonly combine?: boolean;
  readonly clock: Clock;
}

type FoundBase = EarlierBase & Pick<EarlierCapture, 'tree'>;

export async function createBaseComponent(options: BaseComponentOptions): Promise<Source> {
  const { createBaseSource } = await import('../../sources/postgres/physical/base-source.ts');
  const { readClusterFacts } = await import('../../sources/postgres/replication/cluster-facts.ts');
  const { policy, combine = false, clock, ...source } = options;
  return {
    ...createBaseSource({ ...source, mode: 'full' }),
    capture: async (context) => {
      // Nothing is looked for before it is pulled: whether there is a server to be reached may be asked before there is a repository.
      if (combine) return { shape: 'streams', entries: combineEntries(source.component, context), compression: 'fast' };
      const facts = await readClusterFacts(source.server, source.readFile === undefined ? {} : { readFile: source.readFile });
      const earlier = await findEarlier(context, policy);
      const { systemId, major, pageSize, summarizeWal } = facts;
      const server = { systemId, major, pageSize, summarizes: summarizeWal };
      const choice = chooseBase({ earlier, server, policy, now: clock.now() });
      const previous =
        choice.mode === 'increment' ? earlier.find(({ snapshotId }) => snapshotId === choice.previous.snapshotId) : undefined;
      if (choice.mode === 'full' || previous === undefined) {
        if (choice.mode === 'full' && earlier.length > 0)
          context.events({ type: 'notice', message: `A full base backup is made: ${choice.reason}.` });
        return createBaseSource({ ...source, facts, mode: 'full' }).capture(context);
      }
      const increment = (serverSide: boolean): Promise<StreamCapture> =>
        captureIncrement(createBaseSource({ ...source, facts, mode: 'increment', previous, serverSide }), previous, context);
      if (!choice.serverSide) return increment(false);
      // What a server can tell it may have forgotten: that is known when it begins to send.
      const begun = await beginOrRefuse(await increment(true));
      if (!('refusal' in begun)) return begun;
      const byHashes = previous.manifest.serverSide !== true;
      const instead = byHashes ? 'they are found by their hashes' : 'a full base backup is made';
      context.events({ type: 'notice', message: `The server does not say which pages changed (${reasonOf(begun.refusal)}): ${instead}.` });
      return byHashes ? increment(false) : createBaseSource({ ...source, facts, mode: 'full' }).capture(context);
    },
  };
}

async function captureIncrement(increment: Source, previous: FoundBase, context: CaptureContext): Promise<StreamCapture> {
  const capture = await increment.capture(context);
  if (capture.shape !== 'streams') throw new HoldfastError('internal', { reason: 'a base backup is no tree' });
  return { ...capture, needs: [...previous.manifest.chain, previous.snapshotId] };
}

/** Throws `snapshot-missing` where there are no increments to be combined. */
async function* combineEntries(component: string, context: CaptureContext): AsyncGenerator<StreamEntry, void, undefined> {
  const { createSyntheticFull } = await import('../../sources/postgres/physical/synthetic-full.ts');
  const [last, ...older] = await findEarlier(context, { increments: Infinity });
  if (last === undefined || last.manifest.chain.length === 0) {
    const reason = last === undefined ? 'there is no base backup' : 'the newest base backup is a full one';
    throw new HoldfastError('snapshot-missing', { name: component, reason: `${reason}, and there are no increments to be combined` });
  }
  const chain = last.manifest.chain.map((id) => {
    const found = older.find(({ snapshotId }) => snapshotId === id);
    if (found === undefined)
      throw new HoldfastError('snapshot-missing', { name: id.slice(0, 8), reason: 'the newest base backup builds on it, and it is gone' });
    return found;
  });
  const capture = await createSyntheticFull({ component, chain: [...chain, last] }).capture(context);
  if (capture.shape === 'streams') yield* capture.entries;
}

/** Newest first: as many as can matter. One that cannot be read is as good as gone. */
async function findEarlier(
  { earlier, events, signal }: CaptureContext,
  { increments }: Pick<BasePolicy, 'increments'>,
): Promise<FoundBase[]> {
  if (earlier === undefined) return [];
  const { readBaseManifest } = await import('../../sources/postgres/physical/base-manifest.ts');
  const { baseLayout } = await import('../../sources/postgres/physical/base-layout.ts');
  const found: FoundBase[] = [];
  for await (const { snapshotId, tree } of earlier()) {
    if (found.length > increments) break;
    let manifest: BaseManifest;
    try {
      manifest = await readBaseManifest(`base backup ${snapshotId.slice(0, 8)}`, tree.read(baseLayout.manifest));
    } catch (error) {
      if (signal.aborted) throw error;
      events({ type: 'problem', path: `base backup ${snapshotId.slice(0, 8)}`, reason: reasonOf(error) });
      continue;
    }
    found.push({ snapshotId, manifest, tree });
  }
  return found;
}
