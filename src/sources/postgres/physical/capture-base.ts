/** Makes the streams of a base backup of what the server sends: one screen of steps. */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { HoldfastError, reasonOf } from '../../../errors.ts';
import type { CaptureContext, StreamEntry } from '../../source.ts';
import { type BaseBackup, baseBackup } from '../replication/base-backup.ts';
import type { ClusterFacts } from '../replication/cluster-facts.ts';
import type { ReplicationConnection } from '../replication/connect-replication.ts';
import { formatLsn } from '../../../util/lsn.ts';
import { type PostgresServer, withSession } from '../server.ts';
import { type PageMap, openPageMap } from '../pages/page-map.ts';
import { baseLayout } from './base-layout.ts';
import { type BaseManifest, encodeBaseManifest } from './base-manifest.ts';
import type { BaseSourceOptions, PreviousBase } from './base-source.ts';
import { ClusterStreams } from './cluster-streams.ts';

export async function* captureBase(
  options: BaseSourceOptions,
  readFacts: () => Promise<ClusterFacts>,
  context: CaptureContext,
): AsyncGenerator<StreamEntry, void, undefined> {
  const { server, mode, serverSide = false, workFolder = tmpdir() } = options;
  const facts = await readFacts();
  for (const message of facts.notices) context.events({ type: 'notice', message });
  const previous = mode === 'increment' ? options.previous : undefined;
  if (previous !== undefined) checkPrevious(previous, facts, serverSide);
  const before = previous === undefined || serverSide ? undefined : await openPrevious(previous, facts, workFolder);
  let streams: ClusterStreams | undefined;
  let connection: ReplicationConnection | undefined;
  try {
    const startedAt = await readClock(server);
    connection = await options.connect(context);
    await keepWal(connection, context);
    const backup = await baseBackup(connection, {
      checkpoint: options.checkpoint,
      label: 'holdfast',
      signal: context.signal,
      ...(options.rate === undefined ? {} : { rate: options.rate }),
      ...(previous !== undefined && serverSide ? { increment: { manifest: previous.tree.read(baseLayout.serverManifest) } } : {}),
    });
    streams = new ClusterStreams({
      pageSize: facts.pageSize,
      previous: before,
      keepMap: !(previous !== undefined && serverSide),
      workFolder,
      startedAt,
    });
    yield* streams.of(backup, context);
    const endedAt = await readClock(server);
    for (const { name, content } of facts.configuration)
      yield fileOf(`${baseLayout.configuration}/${name}`, [content], { modified: endedAt, mode: 0o600 });
    const map = streams.map;
    if (map !== undefined) yield fileOf(baseLayout.pageMap, map.stream(), { modified: endedAt, mode: 0o600 });
    const manifest = describeBase({ options, facts, backup, streams, startedAt, endedAt });
    yield fileOf(baseLayout.manifest, [encodeBaseManifest(manifest)], { modified: endedAt, mode: 0o600 });
  } finally {
    streams?.close();
    before?.close();
    await connection?.close();
  }
}

/**
 * The WAL that makes a base backup consistent comes at its end, when a busy server may have removed it long ago: a slot keeps it, and goes with the connection. Without a
 * free slot the backup is tried all the same.
 */
async function keepWal(connection: ReplicationConnection, { events, signal }: CaptureContext): Promise<void> {
  try {
    await connection.query(`CREATE_REPLICATION_SLOT holdfast_base_${randomBytes(6).toString('hex')} TEMPORARY PHYSICAL RESERVE_WAL`);
  } catch (error) {
    if (signal.aborted) throw error;
    events({
      type: 'notice',
      message: `The server is not kept from removing WAL during the base backup, which then would have to be made again (${reasonOf(error)}).`,
    });
  }
}

/** Throws `base-chain` where an increment would be put on something else. */
function checkPrevious({ snapshotId, manifest }: PreviousBase, facts: ClusterFacts, serverSide: boolean): void {
  const reason =
    manifest.systemId !== facts.systemId
      ? `it is of the cluster ${manifest.systemId}, and this one is ${facts.systemId}`
      : manifest.major !== facts.major
        ? `it is of PostgreSQL ${manifest.major}, and this is ${facts.major}`
        : manifest.pageSize !== facts.pageSize
          ? `its pages have ${manifest.pageSize} bytes, and the cluster's ${facts.pageSize}`
          : !serverSide && manifest.serverSide === true
            ? 'the server chose its changed pages, so that there are no hashes of them'
            : undefined;
  if (reason !== undefined) throw new HoldfastError('base-chain', { snapshot: snapshotId.slice(0, 8), reason });
}

function openPrevious({ tree, snapshotId }: PreviousBase, { pageSize }: ClusterFacts, folder: string): Promise<PageMap> {
  return openPageMap(`${snapshotId.slice(0, 8)}:${baseLayout.pageMap}`, tree.read(baseLayout.pageMap), folder, pageSize);
}

function fileOf(
  path: string,
  content: Iterable<Uint8Array>,
  { modified, mode }: { readonly modified: Date; readonly mode: number },
): StreamEntry {
  return {
    path,
    mode,
    modified,
    open: async function* open() {
      yield* content;
    },
  };
}

function readClock(server: PostgresServer): Promise<Date> {
  return withSession(server, async (session) => {
    // As text, so that no driver rounds it.
    const rows = await session.query<{ at: string }>(
      `SELECT to_char(date_trunc('milliseconds', clock_timestamp()) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at`,
    );
    return new Date(rows[0]?.at ?? '');
  });
}

interface FinishedBase {
  readonly options: BaseSourceOptions;
  readonly facts: ClusterFacts;
  readonly backup: BaseBackup;
  readonly streams: ClusterStreams;
  readonly startedAt: Date;
  readonly endedAt: Date;
}

function describeBase({ options, facts, backup, streams, startedAt, endedAt }: FinishedBase): BaseManifest {
  const end = backup.end();
  const { previous, serverSide = false } = options;
  const chain = previous === undefined || options.mode === 'full' ? [] : [...previous.manifest.chain, previous.snapshotId];
  const names = new Map(facts.tablespaces.map(({ oid, name }) => [oid, name]));
  return {
    version: 1,
    kind: options.mode,
    systemId: facts.systemId,
    timeline: backup.timeline,
    startLsn: formatLsn(backup.startLsn),
    endLsn: formatLsn(end.lsn),
    endTimeline: end.timeline,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    serverVersion: facts.version,
    major: facts.major,
    pageSize: facts.pageSize,
    walSegmentSize: facts.walSegmentSize,
    checksums: facts.checksums,
    dataDirectory: facts.dataDirectory ?? '',
    // Those that the backup has: one may have been made since the facts were read.
    tablespaces: backup.tablespaces.map(({ oid, location }) => {
      const name = names.get(oid);
      return { oid, location, ...(name === undefined ? {} : { name }) };
    }),
    configuration: facts.configuration.map(({ name, path }) => ({ name, path, stored: name })),
    settings: facts.settings,
    chain,
    ...(options.mode === 'increment' && serverSide ? { serverSide } : {}),
    files: streams.files,
    bytes: streams.bytes,
    ...(options.mode === 'increment' ? { pagesChanged: streams.pagesChanged } : {}),
  };
}
