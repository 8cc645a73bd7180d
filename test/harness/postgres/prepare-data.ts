/** The data directory of a server for tests: a new one, or one that a test brings. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asServerUser, environment, serverUser } from './cluster-process.ts';
import type { ClusterOptions } from './throwaway-cluster.ts';

interface DataRequest {
  /** The folder that holds all of the cluster. */
  readonly root: string;
  readonly port: number;
  readonly password: string;
  readonly version: number;
  readonly toolsFolder: string;
}

export async function prepareData(request: DataRequest, options: ClusterOptions): Promise<void> {
  const { root, port } = request;
  const data = join(root, 'data');
  if (options.from === undefined) await initialize(request, options);
  else {
    await mkdir(data, { mode: 0o700 });
    await options.from.fill(data);
  }
  if (options.tls === true) await makeCertificate(root);
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: root,
    port: String(port),
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    wal_level: 'replica',
    max_connections: '40',
    ...(options.tls === true ? { ssl: 'on', ssl_cert_file: join(root, 'server.crt'), ssl_key_file: join(root, 'server.key') } : {}),
    ...options.settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  await writeFile(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`, { flag: 'a' });
  const identity = serverUser();
  if (identity !== undefined) run('chown', ['-R', '-h', `${identity.uid}:${identity.gid}`, root]);
  await chmod(data, 0o700);
}

async function initialize(
  { root, toolsFolder, password, version }: DataRequest,
  { checksums, segmentMegabytes }: ClusterOptions,
): Promise<void> {
  const passwordFile = join(root, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const identity = serverUser();
  if (identity !== undefined) for (const path of [root, passwordFile]) await chown(path, identity.uid, identity.gid);
  const arguments_ = ['-D', join(root, 'data'), '-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256'];
  arguments_.push(`--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8', '-N');
  if (segmentMegabytes !== undefined) arguments_.push(`--wal-segsize=${segmentMegabytes}`);
  if (checksums === true) arguments_.push('--data-checksums');
  /* Since 18, checksums are on unless one says otherwise. */
  if (checksums === false && version >= 18) arguments_.push('--no-data-checksums');
  const [file = '', ...args] = asServerUser([join(toolsFolder, 'initdb'), ...arguments_]);
  run(file, args, environment(root, toolsFolder));
}

async function makeCertificate(root: string): Promise<void> {
  const files = ['-keyout', join(root, 'server.key'), '-out', join(root, 'server.crt')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  run('openssl', ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2', ...files, ...names]);
  await chmod(join(root, 'server.key'), 0o600);
}

function run(file: string, args: readonly string[], env?: Record<string, string>): void {
  const done = spawnSync(file, args, { encoding: 'utf8', cwd: '/', ...(env === undefined ? {} : { env }) });
  if (done.status !== 0) throw new Error(`Cannot create a cluster: ${done.error?.message ?? done.stderr}`);
}
