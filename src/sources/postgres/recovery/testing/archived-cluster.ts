/** For tests: a real server that archives into a folder, base backups by its own tool, and that folder as the supply of a recovery. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startCluster, type ThrowawayCluster } from '../../../../../test/harness/postgres/throwaway-cluster.ts';
import type { WalSupply } from '../wal-supply.ts';

const run = promisify(execFile);
const segmentSize = 16 * 2 ** 20;

export interface ArchivedCluster extends ThrowawayCluster {
  readonly archive: string;
  /** A folder for whatever a test makes; gone with the cluster. */
  readonly room: string;
  /** A base backup in a new folder, which belongs to root. */
  takeBase(name: string, ...options: string[]): Promise<string>;
  /** Ends the current segment and waits until it is in the archive. The name of it. */
  switchSegment(): Promise<string>;
  /** The server's clock. */
  now(): Promise<Date>;
}

export async function startArchivedCluster(settings: Readonly<Record<string, string>> = {}): Promise<ArchivedCluster> {
  const room = await mkdtemp(join(tmpdir(), 'holdfast-room-'));
  await chmod(room, 0o755);
  const archive = join(room, 'archive');
  await mkdir(archive, { mode: 0o777 });
  await chmod(archive, 0o777);
  const cluster = await startCluster({
    settings: { archive_mode: 'on', archive_command: `cp %p ${archive}/%f`, wal_level: 'replica', max_wal_senders: '4', ...settings },
  });
  return {
    ...cluster,
    archive,
    room,
    takeBase: async (name, ...options) => {
      const folder = join(room, name);
      await run(join(cluster.toolsFolder, 'pg_basebackup'), [
        '-h',
        cluster.socketFolder,
        '-p',
        String(cluster.port),
        '-U',
        'postgres',
        '-D',
        folder,
        '-X',
        'fetch',
        '-c',
        'fast',
        ...options,
      ]);
      return folder;
    },
    switchSegment: async () => {
      const [row] = await cluster.query<{ name: string }>(
        "SELECT pg_walfile_name(pg_current_wal_lsn()) AS name FROM pg_create_restore_point('switch')",
      );
      await cluster.query('SELECT pg_switch_wal()');
      const name = row?.name ?? '';
      for (let turn = 0; !(await readdir(archive)).includes(name); turn += 1) {
        if (turn > 600) throw new Error(`${name} was not archived`);
        await sleep(50);
      }
      return name;
    },
    now: async () => {
      const [row] = await cluster.query<{ at: Date }>('SELECT clock_timestamp() AS at');
      if (row === undefined) throw new Error('no time');
      return row.at;
    },
    stop: async () => {
      await cluster.stop();
      await rm(room, { recursive: true, force: true });
    },
  };
}

/** All that lies in an archive, or only what `keep` lets through. */
export async function supplyFromFolder(archive: string, keep: (name: string) => boolean = () => true): Promise<WalSupply> {
  const names = (await readdir(archive)).filter(keep).sort();
  const histories = names.filter((name) => name.endsWith('.history'));
  return {
    segmentSize,
    segments: names.filter((name) => /^[0-9A-F]{24}$/.test(name)),
    histories: await Promise.all(histories.map(async (name) => ({ name, content: await readFile(join(archive, name)) }))),
    readSegment: (name) => readFile(join(archive, name)),
  };
}
