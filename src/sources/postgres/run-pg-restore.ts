/** Feeds an archive to pg_restore. */
import { HoldfastError } from '../../errors.ts';
import type { SubprocessEnd } from '../../util/subprocess.ts';
import type { CapturedTree } from '../source.ts';
import { type PostgresServer, type PostgresTool, type ToolName, runOnServer } from './server.ts';
import { judgeEnd } from './tool-failure.ts';
import type { CapturedDatabase } from './tree-layout.ts';
import { type WorkFolder, makeWorkFolder } from './work-folder.ts';

export interface PgRestoreRequest {
  /** With the database to restore into. */
  readonly server: PostgresServer;
  /** The name the user knows it by, for messages. */
  readonly database: string;
  readonly tool: PostgresTool;
  readonly from: CapturedTree;
  /** In custom or directory format. */
  readonly captured: CapturedDatabase;
  /** Options of pg_restore such as `--clean`. */
  readonly options: readonly string[];
  /** Entries of the archive to restore; all when absent. */
  readonly entries?: readonly number[];
  readonly jobs: number;
  readonly signal: AbortSignal;
}

/** Restores and ends at the first error. Throws `postgres-restore-failed`, `postgres-restore-full`, `postgres-role-missing`, … */
export async function runPgRestore(request: PgRestoreRequest): Promise<void> {
  const { server, captured, entries, jobs, from, signal } = request;
  /* Several connections each seek in the archive, so it has to be a file, or files. */
  const inFiles = jobs > 1 || captured.format === 'directory';
  const folder = inFiles || entries !== undefined ? await makeWorkFolder(server) : undefined;
  try {
    const options = ['--exit-on-error', '--no-password', `--dbname=${connectionString(server.login.database)}`, ...request.options];
    if (entries !== undefined && folder !== undefined) {
      await folder.write('entries', once(entries.map((id) => `${id};\n`).join('')), signal);
      options.push(`--use-list=${folder.path}/entries`);
    }
    if (jobs > 1) options.push(`--jobs=${jobs}`);
    if (captured.format === 'directory') options.push('--format=directory');
    else options.push('--format=custom');
    if (inFiles && folder !== undefined) options.push(await unpack(request, folder));
    const end = await runOnServer(server, {
      file: request.tool.path,
      args: options,
      signal,
      ...(inFiles ? {} : { input: from.read(captured.dump) }),
    });
    judgeRestore('pg_restore', request, end);
  } catch (error) {
    if (signal.aborted) throw new HoldfastError('interrupted', {}, error);
    throw error;
  } finally {
    await folder?.remove();
  }
}

/** Puts the dump into the folder, and says where. */
async function unpack({ from, captured, signal }: PgRestoreRequest, folder: WorkFolder): Promise<string> {
  if (captured.format === 'custom') {
    await folder.write('dump', from.read(captured.dump), signal);
  } else {
    for (const name of captured.files) {
      /* The names pg_dump gives, and no others: a repository that was tampered with could name any. */
      if (!/^(toc\.dat|\d+\.dat|blobs(_\d+)?\.toc|blob_\d+\.dat)$/.test(name))
        throw new HoldfastError('damaged', { object: `${captured.dump}/${name}`, reason: 'a dump in directory format has no such file' });
      await folder.write(`dump/${name}`, from.read(`${captured.dump}/${name}`), signal);
    }
  }
  return `${folder.path}/dump`;
}

/** Throws what a restore that did not end well means. */
export function judgeRestore(
  name: ToolName,
  { server, database, signal }: Pick<PgRestoreRequest, 'server' | 'database' | 'signal'>,
  end: SubprocessEnd,
): void {
  if (signal.aborted) throw new HoldfastError('interrupted');
  if (end.inputFailure !== undefined) throw end.inputFailure;
  if (end.status === 0) return;
  const role = /ERROR: {2}role "(.*)" does not exist/.exec(end.stderr);
  if (role !== null) throw new HoldfastError('postgres-role-missing', { database, role: role[1] ?? '' });
  if (/No space left on device|disk full/i.test(end.stderr)) throw new HoldfastError('postgres-restore-full', { database });
  const { known, reason } = judgeEnd(name, end, server.login);
  throw known ?? new HoldfastError('postgres-restore-failed', { database, reason });
}

async function* once(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text, 'utf8');
}

/** As a connection string, so that no name of a database can pass for one. */
function connectionString(database: string): string {
  return `dbname='${database.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
