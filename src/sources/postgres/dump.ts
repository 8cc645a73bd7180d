/** Runs pg_dump and passes on what it writes, unchanged, while making sure that it is whole. */
import { HoldfastError, isError } from '../../errors.ts';
import { ArchiveReader } from './archive/archive-reader.ts';
import { type ArchiveEntry, ArchiveFormatError } from './archive/archive-toc.ts';
import { type DumpOptions, selectionArguments } from './dump-options.ts';
import { ScriptReader } from './dump-script.ts';
import { titleOf } from './login.ts';
import type { PostgresServer, PostgresTool } from './server.ts';
import { dumpFailure } from './tool-failure.ts';

export interface DumpRequest {
  readonly server: PostgresServer;
  readonly tool: PostgresTool;
  /** Of `exportSnapshot`. */
  readonly snapshot: string;
  readonly options: DumpOptions;
  readonly signal: AbortSignal;
}

type Follower = Pick<ArchiveReader, 'push' | 'finish'>;

/** Engine and source talk about this many bytes at a time; what pg_dump writes comes in small pieces. */
const chunkSize = 512 * 1024;

/**
 * The archive of a database in pg_dump's custom format, not compressed (the engine compresses, after looking for what it has).
 * Ends normally only when pg_dump ended with status 0 and the archive is whole by its own structure. `onContents` is called once with
 * the table of contents: pg_dump then holds the snapshot and its locks on all tables. Throws `postgres-dump-failed`,
 * `postgres-dump-cut`, `postgres-permission`, …, with pg_dump's own last words, or `interrupted`.
 */
export async function* dumpArchive(
  request: DumpRequest,
  onContents: (entries: readonly ArchiveEntry[]) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ArchiveReader();
  let told = false;
  const push = (chunk: Uint8Array): void => {
    reader.push(chunk);
    if (told || !reader.hasContents) return;
    told = true;
    onContents(reader.entries);
  };
  yield* runDump(request, ['--format=custom', '--compress=0'], { push, finish: () => reader.finish() });
}

/** The same as SQL, to be read or run by psql. */
export function dumpScript(request: DumpRequest): AsyncGenerator<Uint8Array, void, undefined> {
  return runDump(request, ['--format=plain'], new ScriptReader());
}

/** What a dump would hold, without its rows. */
export async function listContents(request: DumpRequest): Promise<readonly ArchiveEntry[]> {
  let found: readonly ArchiveEntry[] = [];
  for await (const chunk of dumpArchive(request, (entries) => (found = entries))) if (found.length > 0 && chunk.length > 0) break;
  return found;
}

async function* runDump(request: DumpRequest, args: readonly string[], follower: Follower): AsyncGenerator<Uint8Array, void, undefined> {
  const { server, tool, signal } = request;
  const { login } = server;
  if (signal.aborted) throw new HoldfastError('interrupted');
  const child = await server.start({ file: tool.path, args: [...args, ...dumpArguments(request)], signal });
  try {
    for await (const chunk of inLargerPieces(child.output)) {
      refuseCut(() => follower.push(chunk), titleOf(login));
      yield chunk;
    }
    const end = await child.ended;
    if (signal.aborted) throw new HoldfastError('interrupted');
    if (end.status !== 0) throw dumpFailure('pg_dump', end, { login, title: titleOf(login) });
    refuseCut(() => follower.finish(), titleOf(login));
  } catch (error) {
    if (signal.aborted && !isError(error, 'interrupted')) throw new HoldfastError('interrupted', {}, error);
    throw error;
  } finally {
    await child.stop();
  }
}

/** The options of pg_dump that every format has. */
export function dumpArguments({ snapshot, options }: DumpRequest): string[] {
  return ['--no-password', `--snapshot=${snapshot}`, ...selectionArguments(options)];
}

/** Does what follows an archive; what makes it none is `postgres-dump-cut`. */
export function refuseCut<Result>(follow: () => Result, title: string): Result {
  try {
    return follow();
  } catch (error) {
    if (error instanceof ArchiveFormatError) throw new HoldfastError('postgres-dump-cut', { title, reason: error.message }, error);
    throw error;
  }
}

async function* inLargerPieces(output: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of output) {
    pieces.push(piece);
    size += piece.length;
    if (size < chunkSize) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(pieces);
}
