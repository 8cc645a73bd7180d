/** The server that works on a data directory of this machine: whether it runs, and how it is stopped and started as whoever set it up meant it. */
import { existsSync } from 'node:fs';
import { open, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import { runSubprocess } from '../../../util/subprocess.ts';
import { startDetached, stopDetached, type ControlledServer } from './server-control.ts';
import type { ServerUser } from './server-user.ts';

export interface LiveServer {
  readonly dataDirectory: string;
  readonly running: boolean;
  /** For people: `systemctl stop postgresql@15-main`. */
  readonly stopText: string;
  readonly startText: string;
  /** Ends its sessions and waits until it is down. Throws `recovery-failed`. */
  stop(): Promise<void>;
  /** Starts it and waits until it takes connections. Throws `recovery-failed`. */
  start(): Promise<void>;
}

export interface LivePlace {
  readonly dataDirectory: string;
  /** Folder of the server's programs. */
  readonly programs: string;
  readonly user: ServerUser | undefined;
  /** postgresql.conf, where it does not lie in the data directory. */
  readonly configurationFile?: string;
  readonly signal: AbortSignal;
}

/** The identifier in a data directory's control file; undefined where there is none. */
export async function readSystemId(dataDirectory: string): Promise<string | undefined> {
  const path = join(dataDirectory, 'global', 'pg_control');
  if (!existsSync(path)) return undefined;
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(8), position: 0 });
    return bytesRead === 8 ? buffer.readBigUInt64LE().toString() : undefined;
  } finally {
    await file.close();
  }
}

/** Looks who runs there. Changes nothing. */
export async function findLiveServer(place: LivePlace): Promise<LiveServer> {
  const { dataDirectory } = place;
  const pid = await findPid(dataDirectory);
  const unit = pid === undefined ? undefined : await findUnit(pid);
  if (unit !== undefined) return byCommand(place, pid !== undefined, ['systemctl', 'stop', unit], ['systemctl', 'start', unit]);
  const [, version, name] = /^\/etc\/postgresql\/(\d+)\/([^/]+)\//.exec(place.configurationFile ?? '') ?? [];
  if (version !== undefined && name !== undefined && existsSync('/usr/bin/pg_ctlcluster'))
    return byCommand(place, pid !== undefined, ['pg_ctlcluster', version, name, 'stop'], ['pg_ctlcluster', version, name, 'start']);
  const options = await readOptions(dataDirectory);
  const control: ControlledServer = place;
  return {
    dataDirectory,
    running: pid !== undefined,
    stopText: `pg_ctl -D ${dataDirectory} stop`,
    startText: `pg_ctl -D ${dataDirectory} start`,
    stop: () => stopDetached(control),
    start: () => startDetached(control, options),
  };
}

function byCommand({ dataDirectory, signal }: LivePlace, running: boolean, stop: readonly string[], start: readonly string[]): LiveServer {
  return {
    dataDirectory,
    running,
    stopText: stop.join(' '),
    startText: start.join(' '),
    stop: () => run(dataDirectory, stop, signal),
    // Also after an interruption: a service that was up comes up again.
    start: () => run(dataDirectory, start, undefined),
  };
}

async function run(path: string, [file = '', ...args]: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const env = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  const end = await runSubprocess({ file, args, env, ...(signal === undefined ? {} : { signal }) });
  if (end.status === 0) return;
  const said =
    end.stderr.trim().split('\n').at(-1) || end.startFailure?.message || `it ended with ${end.status ?? end.killedBy ?? 'no status'}`;
  throw new HoldfastError('recovery-failed', {
    path,
    reason: `"${[file, ...args].join(' ')}" failed (${said})`,
    remedy: 'Put right what it reports, then run the same command again',
  });
}

/** The postmaster of a data directory, if it is alive: its working folder is that directory. */
async function findPid(dataDirectory: string): Promise<number | undefined> {
  const text = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  if (folder !== undefined)
    return folder === (await readlink(dataDirectory).catch(() => dataDirectory)) || folder === dataDirectory ? pid : undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

/** The systemd service that a process belongs to: `postgresql@15-main.service`. */
async function findUnit(pid: number): Promise<string | undefined> {
  if (!existsSync('/run/systemd/system')) return undefined;
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  const [, unit] = /\/(postgres[\w@.:\\-]*\.service)(?:\/|$)/m.exec(groups) ?? [];
  return unit;
}

/** What it was started with, beside its data directory. */
async function readOptions(dataDirectory: string): Promise<string> {
  const text = await readFile(join(dataDirectory, 'postmaster.opts'), 'utf8').catch(() => '');
  const words = [...text.trim().matchAll(/"([^"]*)"/g)].map(([, word = '']) => word);
  const kept: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '-D') index += 1;
    else if (!word.startsWith('-D')) kept.push(`"${word.replaceAll(/["`$\\]/g, '\\$&')}"`);
  }
  return kept.join(' ');
}
