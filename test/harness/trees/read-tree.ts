/** Everything about every entry of a folder, read from the disk, for a comparison. */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { joinBytes, showPath } from './byte-paths.ts';
import { runTool } from './run-on-paths.ts';

/** What two entries of the same path can differ in. */
export const aspects = ['type', 'mode', 'owner', 'size', 'mtime', 'target', 'links', 'content', 'xattrs', 'device', 'holes'] as const;
export type Aspect = (typeof aspects)[number];

/** One entry; an aspect that it cannot have is missing. */
export interface EntryFacts {
  readonly path: Buffer;
  readonly facts: Readonly<Partial<Record<Aspect, string>>>;
}

/** By the path relative to the folder, as Latin-1 (one character a byte); `.` is the folder itself. */
export type TreeFacts = ReadonlyMap<string, EntryFacts>;

const window = Buffer.alloc(1 << 20);
const leastForHoles = 1n << 20n;

/** Reads the tree; the aspects in `ignore` are not looked at, which saves the time as well. */
export function readTree(folder: string, ignore: ReadonlySet<Aspect>): TreeFacts {
  const attributes = ignore.has('xattrs') ? new Map<string, string>() : readAttributes(folder);
  const firstNames = new Map<string, string>();
  const entries = new Map<string, EntryFacts>();
  for (const path of walk(folder)) {
    const key = path.toString('latin1');
    const full = joinBytes(folder, path);
    const stats = lstatSync(full, { bigint: true });
    const facts = { ...statFacts(stats), xattrs: attributes.get(key) ?? '', ...linkFacts(stats, path, firstNames) };
    const inside = contentFacts(stats, full, ignore);
    entries.set(key, {
      path,
      facts: Object.fromEntries(
        Object.entries({ ...facts, ...inside }).filter(([name]) => !aspects.some((aspect) => aspect === name && ignore.has(aspect))),
      ),
    });
  }
  return entries;
}

/** Relative paths, sorted by their bytes, a folder before what it holds. */
function* walk(folder: string, below?: Buffer): Generator<Buffer> {
  yield below ?? Buffer.from('.');
  const absolute = below === undefined ? Buffer.from(folder) : joinBytes(folder, below);
  const names = readdirSync(absolute, { encoding: 'buffer' }).toSorted((a, b) => Buffer.compare(a, b));
  for (const name of names) {
    const path = below === undefined ? name : joinBytes(below, name);
    if (lstatSync(joinBytes(folder, path)).isDirectory()) yield* walk(folder, path);
    else yield path;
  }
}

function statFacts(stats: BigIntStats): Partial<Record<Aspect, string>> {
  const device = stats.isCharacterDevice() || stats.isBlockDevice();
  return {
    type: typeOf(stats),
    ...(stats.isSymbolicLink() ? {} : { mode: (stats.mode & 0o7777n).toString(8).padStart(4, '0') }),
    owner: `${stats.uid}:${stats.gid}`,
    mtime: `${stats.mtimeNs}`,
    ...(stats.isFile() ? { size: `${stats.size}` } : {}),
    ...(device ? { device: `${stats.rdev}` } : {}),
  };
}

/** Names of one file are told by the first of them. A file with a single name within the tree has no such fact. */
function linkFacts(stats: BigIntStats, path: Buffer, firstNames: Map<string, string>): Partial<Record<Aspect, string>> {
  if (stats.isDirectory() || stats.nlink < 2n) return {};
  const identity = `${stats.dev}:${stats.ino}`;
  const first = firstNames.get(identity);
  if (first === undefined) firstNames.set(identity, showPath(path));
  return first === undefined ? {} : { links: `the same file as ${first}` };
}

function contentFacts(stats: BigIntStats, full: Buffer, ignore: ReadonlySet<Aspect>): Partial<Record<Aspect, string>> {
  if (stats.isSymbolicLink()) return { target: showPath(readlinkSync(full, { encoding: 'buffer' })) };
  if (!stats.isFile()) return {};
  return {
    ...(ignore.has('content') ? {} : { content: hashFile(full) }),
    ...(stats.size < leastForHoles ? {} : { holes: stats.blocks * 512n < stats.size / 2n ? 'with holes' : 'without holes' }),
  };
}

function typeOf(stats: BigIntStats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isFIFO()) return 'FIFO';
  if (stats.isSocket()) return 'socket';
  return stats.isBlockDevice() ? 'block device' : 'character device';
}

function hashFile(path: Buffer): string {
  const hash = createHash('sha256');
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    return `unreadable: ${error instanceof Error ? error.message.replace(/:.*/s, '') : String(error)}`;
  }
  try {
    for (let read = readSync(file, window); read > 0; read = readSync(file, window)) hash.update(window.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

/** All extended attributes below the folder, access control lists among them, by the path as Latin-1. */
function readAttributes(folder: string): Map<string, string> {
  const attributes = new Map<string, string>();
  const printed = runTool(['getfattr', '-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], undefined, folder);
  for (const block of printed.split('\n\n')) {
    const [heading = '', ...lines] = block.split('\n');
    if (heading === '') continue;
    attributes.set(
      unquote(heading.slice('# file: '.length)).replace(/^\.\//, ''),
      lines
        .filter((line) => line !== '')
        .toSorted()
        .join(' '),
    );
  }
  return attributes;
}

/** getfattr writes awkward bytes as a backslash and three octal digits. */
function unquote(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
