/** Starts and stops servers that go on without holdfast, with PostgreSQL's own program for that. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import type { ServerUser } from './server-user.ts';

export interface ControlledServer {
  /** Folder of the server's programs. */
  readonly programs: string;
  readonly dataDirectory: string;
  readonly user: ServerUser | undefined;
}

/** Name of the log of a server that was started here, in its data directory. */
const serverLog = 'holdfast-server.log';

/** Starts it and waits until it takes connections. `options` as for pg_ctl's -o. Throws `recovery-failed`. */
export async function startDetached(server: ControlledServer, options = ''): Promise<void> {
  const log = join(server.dataDirectory, serverLog);
  const status = await control(server, ['start', '-w', '-t', '3600', '-l', log, ...(options === '' ? [] : ['-o', options])]);
  if (status === 0) return;
  const lines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n');
  throw new HoldfastError('recovery-failed', {
    path: server.dataDirectory,
    reason: `it did not start (${lines.at(-1) ?? 'without a word'})`,
    remedy: `See ${log}`,
  });
}

/** Stops it, ending sessions. Throws `recovery-failed`. */
export async function stopDetached(server: ControlledServer): Promise<void> {
  if ((await control(server, ['stop', '-w', '-t', '600', '-m', 'fast'])) !== 0)
    throw new HoldfastError('recovery-failed', {
      path: server.dataDirectory,
      reason: 'its server did not stop',
      remedy: 'Stop it by hand, then run the same command again',
    });
}

/** How a person does the same. */
export function startCommand({ programs, dataDirectory, user }: ControlledServer): string {
  return `${user === undefined ? '' : `sudo -u '#${user.uid}' `}${join(programs, 'pg_ctl')} -D ${dataDirectory} -l ${join(dataDirectory, serverLog)} start`;
}

async function control({ programs, dataDirectory, user }: ControlledServer, args: readonly string[]): Promise<number> {
  const child = spawn(join(programs, 'pg_ctl'), ['-D', dataDirectory, '-s', ...args], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
    stdio: 'ignore',
    detached: true,
    ...(user === undefined ? {} : user),
  });
  try {
    await once(child, 'exit');
  } catch {
    return -1;
  }
  return child.exitCode ?? -1;
}
