/** Feeds an archive to pg_restore. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../errors.ts';
import { type SubprocessEnd, runSubprocess } from '../../util/subprocess.ts';
import { type Environment, type PostgresConnection, toolEnvironment } from './connection.ts';
import type { PostgresTool } from './find-tools.ts';
import { recognizeComplaint, summarizeComplaint } from './server-errors.ts';

export interface PgRestoreRequest {
  /** With the database to restore into. */
  readonly connection: PostgresConnection;
  /** The name the user knows it by, for messages. */
  readonly database: string;
  readonly environment: Environment;
  readonly tool: PostgresTool;
  readonly archive: AsyncIterable<Uint8Array>;
  /** Options of pg_restore such as `--clean`. */
  readonly options: readonly string[];
  /** Entries of the archive to restore; all when absent. */
  readonly entries?: readonly number[];
  readonly jobs: number;
  readonly signal: AbortSignal;
}

/** Restores and ends at the first error. Throws `postgres-restore-failed`, `postgres-restore-full`, `postgres-role-missing`, … */
export async function runPgRestore(request: PgRestoreRequest): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-restore-'));
  try {
    const files: string[] = [];
    const options = [
      '--format=custom',
      '--exit-on-error',
      '--no-password',
      `--dbname=${connectionString(request.connection.database)}`,
      ...request.options,
    ];
    if (request.entries !== undefined) {
      const list = join(folder, 'entries');
      await writeFile(list, request.entries.map((id) => `${id};\n`).join(''));
      options.push(`--use-list=${list}`);
    }
    if (request.jobs > 1) {
      /* Several connections each seek in the archive, so it has to be a file. */
      files.push(join(folder, 'database.dump'));
      options.push(`--jobs=${request.jobs}`);
      await pipeline(request.archive, createWriteStream(files[0] ?? '', { mode: 0o600 }), { signal: request.signal });
    }
    const end = await runSubprocess({
      file: request.tool.path,
      args: [...options, ...files],
      env: toolEnvironment(request.connection, request.environment),
      signal: request.signal,
      ...(request.jobs > 1 ? {} : { input: request.archive }),
    });
    judge(request, end);
  } catch (error) {
    if (request.signal.aborted) throw new HoldfastError('interrupted', {}, error);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function judge(request: PgRestoreRequest, end: SubprocessEnd): void {
  const { connection, database } = request;
  if (request.signal.aborted) throw new HoldfastError('interrupted');
  if (end.inputFailure !== undefined) throw end.inputFailure;
  if (end.status === 0) return;
  const role = /ERROR: {2}role "(.*)" does not exist/.exec(end.stderr);
  if (role !== null) throw new HoldfastError('postgres-role-missing', { database, role: role[1] ?? '' });
  if (/No space left on device|disk full/i.test(end.stderr)) throw new HoldfastError('postgres-restore-full', { database });
  const ending = end.startFailure?.message ?? `pg_restore ended with status ${end.status ?? end.killedBy ?? 'unknown'}`;
  const complaint = summarizeComplaint(end.stderr, connection);
  throw (
    recognizeComplaint(end.stderr, connection) ??
    new HoldfastError('postgres-restore-failed', { database, reason: complaint === '' ? ending : complaint })
  );
}

/** As a connection string, so that no name of a database can pass for one. */
function connectionString(database: string): string {
  return `dbname='${database.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
