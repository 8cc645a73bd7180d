/** Runs pg_dump and passes on its archive, unchanged, while making sure that it is whole. */
import { HoldfastError, isError } from '../../errors.ts';
import { startSubprocess } from '../../util/subprocess.ts';
import { ArchiveReader } from './archive/archive-reader.ts';
import { ArchiveFormatError } from './archive/archive-toc.ts';
import { type Environment, type PostgresConnection, titleOf, toolEnvironment } from './connection.ts';
import type { PostgresTool } from './find-tools.ts';
import { recognizeComplaint, summarizeComplaint } from './server-errors.ts';

export interface DumpRequest {
  readonly connection: PostgresConnection;
  readonly environment: Environment;
  readonly tool: PostgresTool;
  /** Of `exportSnapshot`. */
  readonly snapshot: string;
  readonly signal: AbortSignal;
  /** Called when the first bytes came: pg_dump then holds the snapshot and its locks on all tables. */
  readonly onBegun: () => void;
}

/**
 * The archive of a database in pg_dump's custom format, not compressed (the engine compresses, after looking for what it has).
 * Ends normally only when pg_dump ended with status 0 and the archive is whole by its own structure. Throws
 * `postgres-dump-failed`, `postgres-dump-cut`, `postgres-permission`, …, with pg_dump's own last words, or `interrupted`.
 */
export async function* dumpDatabase(request: DumpRequest): AsyncGenerator<Uint8Array, void, undefined> {
  const { connection, tool, signal } = request;
  if (signal.aborted) throw new HoldfastError('interrupted');
  const child = startSubprocess({
    file: tool.path,
    args: ['--format=custom', '--compress=0', '--no-password', `--snapshot=${request.snapshot}`],
    env: toolEnvironment(connection, request.environment),
    signal,
  });
  const reader = new ArchiveReader();
  let begun = false;
  try {
    for await (const chunk of child.output) {
      follow(reader, chunk, connection);
      if (!begun) request.onBegun();
      begun = true;
      yield chunk;
    }
    const end = await child.ended;
    if (signal.aborted) throw new HoldfastError('interrupted');
    if (end.status !== 0) throw dumpFailure(request, end);
    proveWhole(reader, connection);
  } catch (error) {
    if (signal.aborted && !isError(error, 'interrupted')) throw new HoldfastError('interrupted', {}, error);
    throw error;
  } finally {
    await child.stop();
  }
}

function dumpFailure(
  request: DumpRequest,
  end: { status: number | undefined; killedBy: string | undefined; stderr: string; startFailure: Error | undefined },
): HoldfastError {
  const { connection, tool } = request;
  const known = recognizeComplaint(end.stderr, connection);
  if (known !== undefined) return known;
  const ending =
    end.startFailure?.message ??
    (end.killedBy === undefined ? `pg_dump ended with status ${end.status ?? 'unknown'}` : `pg_dump was ended by ${end.killedBy}`);
  const complaint = summarizeComplaint(end.stderr, connection);
  return new HoldfastError('postgres-dump-failed', {
    title: titleOf(connection),
    reason: complaint === '' ? ending : complaint,
    ending,
    tool: tool.version,
  });
}

function follow(reader: ArchiveReader, chunk: Uint8Array, connection: PostgresConnection): void {
  try {
    reader.push(chunk);
  } catch (error) {
    throw cutError(error, connection);
  }
}

function proveWhole(reader: ArchiveReader, connection: PostgresConnection): void {
  try {
    reader.finish();
  } catch (error) {
    throw cutError(error, connection);
  }
}

function cutError(error: unknown, connection: PostgresConnection): unknown {
  return error instanceof ArchiveFormatError
    ? new HoldfastError('postgres-dump-cut', { title: titleOf(connection), reason: error.message }, error)
    : error;
}
