/**
 * Replication from a server in a container. A dump's programs run inside, but a copy stream has to come out: through the server's socket, which
 * lies below the container's root in /proc where the engine is on this machine, by the container's own address, or by a published port.
 */
import { access, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path/posix';
import { HoldfastError, isError, reasonOf } from '../../../errors.ts';
import type { Container } from '../../docker/docker-engine.ts';
import { type ContainerServerOptions, createContainerServer } from '../container-server.ts';
import { withSession } from '../server.ts';
import { type ReplicationConnection, type ReplicationOptions, connectReplication } from './connect-replication.ts';
import { serverOf } from './replication-errors.ts';

type ContainerReplicationOptions = ContainerServerOptions & Pick<ReplicationOptions, 'applicationName' | 'events' | 'signal'>;

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Those that another way into the same server would not change. */
const final = ['replication-role', 'replication-off', 'replication-senders', 'interrupted'] as const;
/** What tells most comes first. */
const telling = ['replication-rules', 'postgres-login', 'replication-failed'] as const;
const usualSockets = '/var/run/postgresql, /tmp';
const longestLink = 40;
const largestFile = 16 * 1024 * 1024;

/** Throws `replication-container`, what `connectReplication` throws, and the Docker errors. */
export async function connectContainerReplication(options: ContainerReplicationOptions): Promise<ReplicationConnection> {
  const { docker, address, database, user, password, applicationName, events, signal } = options;
  const server = createContainerServer(options);
  const failures: HoldfastError[] = [];
  for (const place of await findPlaces(options)) {
    try {
      return await connectReplication({
        connection: { ...place, user, database, password, ssl: { mode: 'prefer' }, connectTimeout: 5 },
        login: server.login,
        ...(applicationName === undefined ? {} : { applicationName }),
        ...(events === undefined ? {} : { events }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (!(error instanceof HoldfastError) || final.some((code) => isError(error, code))) throw error;
      failures.push(error);
    }
  }
  for (const code of telling) {
    const failure = failures.find((error) => isError(error, code));
    if (failure !== undefined) throw failure;
  }
  const [failure] = failures;
  const container = await docker.find(address);
  const reason = failure === undefined ? `the container ${container.name} has no address and publishes no port` : reasonOf(failure);
  throw new HoldfastError('replication-container', { server: serverOf(server.login), reason }, failure);
}

/** Reads a file inside the container, for `readClusterFacts`. */
export async function readContainerFile({ docker, address }: ContainerServerOptions, path: string): Promise<Uint8Array> {
  const container = await docker.find(address);
  const process_ = await container.exec({ command: ['cat', '--', path], user: '0', signal: new AbortController().signal });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process_.output) {
    size += chunk.length;
    if (size > largestFile) throw new RangeError(`${path} is too large for a configuration file`);
    chunks.push(chunk);
  }
  const { status, stderr } = await process_.ended;
  if (status !== 0) throw new HoldfastError('docker-failed', { action: `read ${path}`, reason: stderr.trim() });
  return Buffer.concat(chunks);
}

/** Where the server may be reached from here, the likeliest first. */
async function findPlaces(options: ContainerServerOptions): Promise<Place[]> {
  const { docker, address } = options;
  const container = await docker.find(address);
  const settings = await readSettings(options);
  const port = Number(settings.get('port') ?? 5432);
  const sockets = docker.isLocal ? await findSockets(container, settings.get('unix_socket_directories') ?? usualSockets, port) : [];
  if (settings.get('listen_addresses') === '') return sockets;
  const published = container.published
    .filter(({ inside }) => inside === port)
    .map(({ address: host, port: outside }) => ({ host: host === '' ? engineHost(docker.environment) : host, port: outside }));
  const direct = docker.isLocal ? container.addresses.map((host) => ({ host, port })) : [];
  return [...sockets, ...direct, ...published];
}

/** Without those that the user may not see. */
async function readSettings(options: ContainerServerOptions): Promise<Map<string, string>> {
  const rows = await withSession(createContainerServer(options), (session) =>
    session.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name IN ('port', 'unix_socket_directories', 'listen_addresses')",
    ),
  );
  return new Map(rows.map(({ name, setting }) => [name, setting]));
}

function engineHost(environment: Readonly<Record<string, string>>): string {
  const url = URL.parse(environment['DOCKER_HOST'] ?? '');
  return url === null || url.hostname === '' ? '127.0.0.1' : url.hostname;
}

async function findSockets({ pid }: Container, folders: string, port: number): Promise<Place[]> {
  if (pid === undefined) return [];
  const found: Place[] = [];
  for (const folder of folders.split(',').map((text) => text.trim())) {
    if (!isAbsolute(folder)) continue;
    const host = await resolveInside(`/proc/${pid}/root`, folder);
    const isThere = await access(join(host, `.s.PGSQL.${port}`)).then(
      () => true,
      () => false,
    );
    if (isThere) found.push({ host, port });
  }
  return found;
}

/** A path of the container as a path of this machine: its symbolic links (/var/run often is one) mean the container's root. */
async function resolveInside(root: string, path: string): Promise<string> {
  let inside = resolve('/', path);
  for (let links = 0; links < longestLink; links += 1) {
    const next = await followFirstLink(root, inside);
    if (next === undefined) break;
    inside = next;
  }
  return `${root}${inside}`;
}

async function followFirstLink(root: string, inside: string): Promise<string | undefined> {
  const parts = inside.split('/').filter((part) => part !== '');
  for (const [index] of parts.entries()) {
    const here = `/${parts.slice(0, index + 1).join('/')}`;
    const target = await readlink(`${root}${here}`).catch(() => undefined);
    if (target !== undefined) return resolve(dirname(here), target, ...parts.slice(index + 1));
  }
  return undefined;
}
