/**
 * pg_dump's directory format: a file a table, dumped by several connections at once. pg_dump wants a folder for it, so there has to be room for
 * the whole dump, not compressed, in the folder for temporary files where pg_dump runs.
 */
import { HoldfastError } from '../../errors.ts';
import { type ArchiveEntry, ArchiveFormatError, parseContents } from './archive/archive-toc.ts';
import { type DumpRequest, dumpArguments, refuseCut } from './dump.ts';
import { titleOf } from './login.ts';
import { runOnServer } from './server.ts';
import { dumpFailure } from './tool-failure.ts';
import { type WorkFolder, makeWorkFolder, roomError } from './work-folder.ts';

export const contentsFile = 'toc.dat';

export interface DumpedDirectory {
  readonly entries: readonly ArchiveEntry[];
  /** Names of its files, the table of contents first. */
  readonly files: readonly string[];
  read(name: string): AsyncGenerator<Uint8Array, void, undefined>;
  remove(): Promise<void>;
}

const dumpName = 'dump';
const defaultJobs = 2;

/** Dumps. What it returns is proved whole; it is there until `remove`. Throws as `dumpArchive` does, and `postgres-room`. */
export async function dumpToDirectory(request: DumpRequest): Promise<DumpedDirectory> {
  const { server, signal } = request;
  const folder = await makeWorkFolder(server);
  try {
    await runDump(request, folder);
    const names = await folder.list(dumpName);
    refuseCut(() => requireContents(names), titleOf(server.login));
    const contents = await readWhole(folder.read(`${dumpName}/${contentsFile}`, signal));
    const entries = refuseCut(() => proveWhole(contents, names), titleOf(server.login));
    return {
      entries,
      files: [contentsFile, ...names.filter((name) => name !== contentsFile)],
      read: (name) => folder.read(`${dumpName}/${name}`, signal),
      remove: () => folder.remove(),
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function runDump(request: DumpRequest, folder: WorkFolder): Promise<void> {
  const { server, tool, signal, options } = request;
  const { login } = server;
  const title = titleOf(login);
  const format = ['--format=directory', '--compress=0', `--jobs=${options.jobs ?? defaultJobs}`, `--file=${folder.path}/${dumpName}`];
  const end = await runOnServer(server, { file: tool.path, args: [...format, ...dumpArguments(request)], signal });
  if (signal.aborted) throw new HoldfastError('interrupted');
  if (end.status === 0) return;
  if (/No space left on device/.test(end.stderr) && !/ERROR: {2}/.test(end.stderr))
    throw roomError(server, 'there is no space left on the device');
  throw dumpFailure('pg_dump', end, { login, title });
}

function requireContents(names: readonly string[]): void {
  if (!names.includes(contentsFile)) throw new ArchiveFormatError('it has no table of contents');
}

function proveWhole(contents: Buffer, names: readonly string[]): readonly ArchiveEntry[] {
  const entries = parseContents(contents);
  const present = new Set(names);
  const missing = entries.find(({ file }) => file !== undefined && !present.has(file));
  if (missing !== undefined) throw new ArchiveFormatError(`it lacks the data of ${missing.kind} ${missing.schema}.${missing.tag}`);
  return entries;
}

async function readWhole(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}
