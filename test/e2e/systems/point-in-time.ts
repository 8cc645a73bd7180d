/** A mistake, and the way back to the moment before it, with nothing but the example's own configuration. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { System } from './system.ts';

const program = fileURLToPath(new URL('../../../holdfast', import.meta.url));

export interface WalStream {
  /** Until the repository has all that is committed now. The server's clock at the time of the call. */
  settle(): Promise<Date>;
  stop(): Promise<void>;
}

/** Runs `holdfast wal stream` beside. */
export async function streamWal(system: System): Promise<WalStream> {
  const child = spawn(program, ['wal', 'stream', '--flush', '500ms'], {
    cwd: system.folder,
    env: system.environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-4000)));
  const position = async (): Promise<{ at: Date; lsn: string }> => {
    const [row] = await system.query('SELECT clock_timestamp() AS at, pg_current_wal_flush_lsn()::text AS lsn', 'postgres');
    if (row === undefined || !(row['at'] instanceof Date)) throw new Error('no time');
    return { at: row['at'], lsn: String(row['lsn']) };
  };
  return {
    settle: async () => {
      const { at } = await position();
      await sleep(50);
      // A commit behind the moment shows that all before it has come.
      await system.query('SELECT pg_current_xact_id()', 'postgres');
      const { lsn } = await position();
      for (let turn = 0; turn < 300; turn += 1) {
        if (child.exitCode !== null) throw new Error(`holdfast wal stream has ended: ${said}`);
        const [slot] = await system.query(
          `SELECT restart_lsn >= '${lsn}'::pg_lsn AS stored FROM pg_replication_slots WHERE slot_type = 'physical'`,
          'postgres',
        );
        if (slot?.['stored'] === true) return at;
        await sleep(100);
      }
      throw new Error(`the repository did not get ${lsn}: ${said}`);
    },
    stop: async () => {
      if (child.exitCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Folder of a volume that keeps what was there before a recovery. */
export async function keptVolumes(system: System, volume: string): Promise<string[]> {
  const listed = await system.docker.docker(['volume', 'ls', '-q', '--filter', `name=${system.project}_${volume}-before-`]);
  return listed
    .split('\n')
    .filter((line) => line !== '')
    .map((name) => join(system.docker.socket, '../data/volumes', name, '_data'));
}
