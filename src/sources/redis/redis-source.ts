/** A Redis (or Valkey) server as a component: saved as one snapshot that is proved whole, restored into the stopped server's folder. */
import { HoldfastError } from '../../errors.ts';
import type { Clock } from '../../util/clock.ts';
import type { ContainerAddress, DockerEngine } from '../docker/docker-engine.ts';
import type { CaptureContext, RestorableSource, StreamEntry } from '../source.ts';
import { createContainerServer } from './container-server.ts';
import { RdbBroken, type RdbProof, proveRdb } from './prove-rdb.ts';
import { parseRedisUrl } from './redis-address.ts';
import { encodeRedisManifest, manifestPath, snapshotPath } from './redis-manifest.ts';
import { type RedisServer, createNetworkServer } from './redis-server.ts';
import { type RedisRestoreRequest, restoreRedis } from './restore-redis.ts';
import { type ServerInfo, countKeys } from './server-info.ts';

export interface RedisSourceOptions {
  /** The component's name, such as `cache`. */
  readonly component: string;
  /** `redis://`, `rediss://` or `unix://`; or a container, with the ACL user and the port inside it where they are not the usual ones. */
  readonly at:
    | { readonly url: string }
    | { readonly docker: DockerEngine; readonly address: ContainerAddress; readonly user?: string; readonly port?: number };
  /** Wins over the URL's; REDISCLI_AUTH of the environment is taken where both are absent. */
  readonly password?: string;
  readonly clock: Clock;
  /** Read for REDISCLI_AUTH; that of this process when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * A capture holds `/redis/dump.rdb`, the snapshot of all databases, and `/redis/redis.json`. Reading it never needs the server's files:
 * it comes over replication (in a container through redis-cli; where that gives nothing, from the file of a BGSAVE).
 * Throws `redis-url`.
 */
export function createRedisSource(options: RedisSourceOptions): RestorableSource<RedisRestoreRequest> {
  const { component, at, clock } = options;
  const server = openServer(options);
  return {
    kind: 'redis',
    component,
    async describe() {
      const info = await server.readInfo(new AbortController().signal);
      return { kind: 'redis', component, title: server.title, facts: factsOf(info) };
    },
    capture: (context) => Promise.resolve({ shape: 'streams', entries: captureRedis(server, clock, context) }),
    restore: (from, request, context) =>
      restoreRedis({
        from,
        request,
        context,
        title: server.title,
        ...('docker' in at ? { container: at } : { address: addressOf(options) }),
      }),
  };
}

function openServer(options: RedisSourceOptions): RedisServer {
  const { at, password, environment = process.env } = options;
  if ('url' in at) return createNetworkServer(addressOf(options));
  const secret = password ?? environment['REDISCLI_AUTH'];
  return createContainerServer({ ...at, ...(secret === undefined ? {} : { password: secret }) });
}

function addressOf({ at, password, environment = process.env }: RedisSourceOptions): ReturnType<typeof parseRedisUrl> {
  const address = parseRedisUrl('url' in at ? at.url : '', password);
  const fallback = environment['REDISCLI_AUTH'];
  return address.password === undefined && fallback !== undefined && fallback !== '' ? { ...address, password: fallback } : address;
}

async function* captureRedis(server: RedisServer, clock: Clock, context: CaptureContext): AsyncGenerator<StreamEntry, void, undefined> {
  const { events, signal } = context;
  const info = await server.readInfo(signal);
  if (info.mode === 'cluster')
    events({
      type: 'problem',
      path: snapshotPath,
      reason: `${server.title} is one node of a cluster: the keys of the other nodes are not in this backup`,
    });
  events({ type: 'phase', phase: `snapshot of ${server.title}` });
  const takenAt = clock.now();
  let proof: RdbProof | undefined;
  yield { path: snapshotPath, modified: takenAt, open: () => readSnapshot(server, info, signal, (proved) => (proof = proved)) };
  if (proof === undefined) throw new HoldfastError('redis-cut', { title: server.title, reason: 'it was not read to its end' });
  if (!proof.checksum)
    events({
      type: 'notice',
      message: `${server.title} writes no checksums (rdbchecksum no): its snapshot has only its end mark for a proof.`,
    });
  const manifest = encodeRedisManifest({ format: 1, server: info, snapshot: proof, takenAt: takenAt.toISOString() });
  yield { path: manifestPath, modified: takenAt, open: () => once(manifest) };
}

async function* readSnapshot(
  server: RedisServer,
  info: ServerInfo,
  signal: AbortSignal,
  onProved: (proof: RdbProof) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bytes, mayEndWithMark } = server.openSnapshot(info, signal);
  try {
    yield* proveRdb(bytes, onProved, mayEndWithMark);
  } catch (error) {
    if (error instanceof RdbBroken) throw new HoldfastError('redis-cut', { title: server.title, reason: error.message }, error);
    throw error;
  }
}

function factsOf(info: ServerInfo): Record<string, string | number> {
  const facts: Record<string, string | number> = {
    server: `${info.product} ${info.version}`,
    role: info.role,
    mode: info.mode,
    keys: countKeys(info),
    aof_enabled: info.appendOnly ? 1 : 0,
    maxmemory: info.maxMemory,
    used_memory: info.usedMemory,
  };
  for (const [database, keys] of Object.entries(info.keys)) facts[`keys_db${database}`] = keys;
  return facts;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
