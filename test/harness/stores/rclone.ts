/** rclone as a server of a test's own: another program's idea of the same protocols. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageEnvironment } from '../../../src/storage/storage-options.ts';
import { freePort } from '../programs/free-port.ts';
import { waitUntilAnswering } from './ports.ts';
import { spawnServer } from './spawned-server.ts';
import { makeKey } from './sshd.ts';

export interface RcloneServer {
  readonly port: number;
  /** What it serves. */
  readonly data: string;
  stop(): Promise<void>;
}

/** `rclone serve restic`. */
export function startRcloneRest(options: { readonly appendOnly?: boolean } = {}): Promise<RcloneServer> {
  return start('restic', (data, port) => [...(options.appendOnly === true ? ['--append-only'] : []), '--addr', `127.0.0.1:${port}`, data]);
}

export interface RcloneSftp extends RcloneServer {
  readonly user: string;
  readonly environment: StorageEnvironment;
}

/** `rclone serve sftp`: no hard links, no fsync, and an exclusive open that excludes nobody. */
export async function startRcloneSftp(): Promise<RcloneSftp> {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-rclone-home-'));
  mkdirSync(join(home, '.ssh'));
  const hostKey = join(home, 'host_key');
  const key = join(home, '.ssh', 'id_ed25519');
  makeKey(hostKey);
  makeKey(key);
  const server = await start('sftp', (data, port) => [
    '--addr',
    `127.0.0.1:${port}`,
    '--key',
    hostKey,
    '--authorized-keys',
    `${key}.pub`,
    '--vfs-cache-mode',
    'writes',
    '--cache-dir',
    join(home, 'cache'),
    '--dir-cache-time',
    '0',
    data,
  ]);
  const shown = execFileSync('ssh-keygen', ['-y', '-f', hostKey], { encoding: 'utf8' }).trim().split(' ').slice(0, 2).join(' ');
  writeFileSync(join(home, '.ssh', 'known_hosts'), `[127.0.0.1]:${server.port} ${shown}\n`);
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  };
  return { ...server, stop, user: 'anybody', environment: { HOME: home } };
}

async function start(kind: string, args: (data: string, port: number) => readonly string[]): Promise<RcloneServer> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-rclone-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  const port = await freePort();
  const server = await spawnServer({
    name: `rclone serve ${kind}`,
    file: 'rclone',
    args: ['serve', kind, '--verbose', '--config', join(folder, 'none.conf'), ...args(data, port)],
    folder,
    ready: /(Serving|listening)/i,
  });
  await waitUntilAnswering(port);
  return {
    port,
    data,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
