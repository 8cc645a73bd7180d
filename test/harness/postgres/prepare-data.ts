/** The data directory of a server for tests: a new one, or one that a test brings. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverUser } from './cluster-process.ts';
import { copyTemplate } from './cluster-template.ts';
import type { ClusterOptions } from './throwaway-cluster.ts';

interface DataRequest {
  /** The folder that holds all of the cluster. */
  readonly root: string;
  readonly port: number;
  readonly version: number;
  readonly toolsFolder: string;
}

/** The superuser's password. */
export async function prepareData(request: DataRequest, options: ClusterOptions): Promise<string> {
  const { root, port, version, toolsFolder } = request;
  const data = join(root, 'data');
  const { from, checksums, segmentMegabytes } = options;
  let password = from?.password;
  if (from !== undefined) {
    await mkdir(data, { mode: 0o700 });
    await from.fill(data);
  }
  password ??= await copyTemplate({ version, toolsFolder, checksums, segmentMegabytes }, data);
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
  return password;
}

async function makeCertificate(root: string): Promise<void> {
  const files = ['-keyout', join(root, 'server.key'), '-out', join(root, 'server.crt')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  run('openssl', ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2', ...files, ...names]);
  await chmod(join(root, 'server.key'), 0o600);
}

function run(file: string, args: readonly string[]): void {
  const done = spawnSync(file, args, { encoding: 'utf8', cwd: '/' });
  if (done.status !== 0) throw new Error(`Cannot create a cluster: ${done.error?.message ?? done.stderr}`);
}
