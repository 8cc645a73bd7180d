/** Whether there is room for what a drill will restore, looked at before anything is. */
import { statfs } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { type PostgresServer, runOnServer, withSession } from '../../sources/postgres/server.ts';
import { openServer } from '../application/query-database.ts';
import type { DrillRun, PlannedComponent } from './drill-run.ts';

/** What a restore takes beside the data itself: a server's own files, folders, the log of a load. */
const margin = 1.1;
const serverBytes = 256 * 2 ** 20;

/** Throws `drill-space`. */
export async function checkSpace(run: DrillRun, components: readonly PlannedComponent[]): Promise<void> {
  const { drill, room } = run;
  const what = drill.name === '' ? 'these components' : `"${drill.name}"`;
  const sizes = components.map((component) => ({ component, bytes: sizeOf(component) }));
  const all = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (drill.spaceBytes !== undefined && all > drill.spaceBytes)
    throw new HoldfastError('drill-space', {
      what,
      reason: `about ${show(all)} would be restored, and ${show(drill.spaceBytes)} are allowed (space)`,
    });
  const isOnLive = ({ kind, source }: PlannedComponent): boolean =>
    kind === 'postgres' && source?.kind === 'postgres' && drill.into === 'temporary';
  const here = sizes.filter(({ component }) => !isOnLive(component));
  const { bavail, bsize } = await statfs(room.folder);
  const servers = here.filter(({ component: { kind } }) => kind === 'postgres' || kind === 'postgres-base').length;
  refuseTooMuch(what, room.folder, here.reduce((sum, { bytes }) => sum + bytes, 0) * margin + servers * serverBytes, bavail * bsize);
  for (const { component, bytes } of sizes) {
    if (!isOnLive(component) || component.source?.kind !== 'postgres') continue;
    const found = await freeOnServer(await openServer(run.tools, component.source), run.context.signal);
    if (found !== undefined) refuseTooMuch(what, `the server of "${component.name}", ${found.folder}`, bytes * margin, found.free);
  }
}

/** Bytes that restoring it takes, as far as that is known. */
export function sizeOf({ kind, saved, snapshot }: PlannedComponent): number {
  const stored = snapshot.snapshot.summary?.total_bytes_processed ?? 0;
  const { databaseSize, baseSize } = saved?.facts ?? {};
  if (kind === 'postgres') return Math.max(stored, Number(databaseSize ?? 0));
  return kind === 'postgres-base' ? Math.max(stored, Number(baseSize ?? 0)) : stored;
}

function refuseTooMuch(what: string, place: string, needed: number, free: number): void {
  if (needed <= free) return;
  throw new HoldfastError('drill-space', { what, reason: `about ${show(needed)} are needed in ${place}, and ${show(free)} are free` });
}

/** Undefined where it cannot be known: who restores may not ask, or the server is on another machine. */
async function freeOnServer(server: PostgresServer, signal: AbortSignal): Promise<{ folder: string; free: number } | undefined> {
  try {
    const folder = await withSession(server, async (session) => {
      const [row] = await session.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder");
      return row?.folder;
    });
    if (folder === undefined) return undefined;
    const { at } = server.login;
    if ('host' in at && !(isHere(at.host) && existsSync(join(folder, 'PG_VERSION')))) return undefined;
    const { status, stdout } = await runOnServer(server, { file: 'df', args: ['-Pk', folder], signal });
    const [, blocks] = /\s(\d+)\s+\d+%\s/.exec(stdout.toString('utf8').split('\n')[1] ?? '') ?? [];
    return status === 0 && blocks !== undefined ? { folder, free: Number(blocks) * 1024 } : undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

function isHere(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '127.0.0.1' || host === '::1';
}

function show(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.max(1, Math.round(bytes / 2 ** 20))} MiB`;
}
