/** Entries of tars and zips, as they may be stored: names come from whoever made the archive. */
import type { EntryOwner } from '../../sources/source.ts';
import { refuseImport } from './import-failure.ts';

export interface Member {
  /** Safe: relative, without `.` and `..`. */
  readonly name: string;
  readonly type: 'file' | 'folder' | 'link' | 'hardlink';
  readonly mode: number;
  readonly modified: Date;
  readonly owner?: EntryOwner;
  readonly size: number;
  /** Where a link points to; of a hard link the name of the file. */
  readonly linkTarget?: string;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** A row of names that are in one another is no backup. */
const deepest = 512;

/** The name as it may be stored; undefined for the top folder itself. Throws `import-unreadable` for one that leads elsewhere. */
export function safeName(archive: string, name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0') || parts.length > deepest || parts.some((part) => Buffer.byteLength(part) > 255))
    refuseImport(archive, `it holds a name that leads out of it or that no system has (${JSON.stringify(name.slice(0, 100))})`);
  return parts.length === 0 ? undefined : parts.join('/');
}

/** What an archive consists of, without its content. */
export interface Inventory {
  readonly files: number;
  readonly bytes: number;
  readonly newest: Date | undefined;
  /** First parts of names, at most a few. */
  readonly tops: ReadonlySet<string>;
  readonly topFiles: boolean;
  /** The folder that all files lie in. */
  readonly common: string | undefined;
  /** Names of files that others are hard links to. */
  readonly linked: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
}

const mostMembers = 5_000_000;

/** Reads all of an archive, and so proves it whole. */
export async function takeInventory(archive: string, members: AsyncIterable<Member>): Promise<Inventory> {
  let [files, bytes, count] = [0, 0, 0];
  let newest: Date | undefined;
  let common: string | undefined;
  let topFiles = false;
  const [tops, linked, names] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for await (const member of members) {
    count += 1;
    if (count > mostMembers) refuseImport(archive, `it holds more than ${mostMembers} entries`);
    const { name, type, modified, linkTarget } = member;
    const [top = ''] = name.split('/', 1);
    if (tops.size < 100) tops.add(top);
    if (type === 'hardlink' && linkTarget !== undefined) linked.add(linkTarget);
    if (type === 'folder') continue;
    if (names.size < 10_000) names.add(name);
    if (top === name) topFiles = true;
    const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')));
    common = common === undefined ? folder : commonFolder(common, folder);
    if (newest === undefined || modified > newest) newest = modified;
    files += 1;
    for await (const chunk of member.open()) bytes += chunk.length;
  }
  return { files, bytes, newest, tops, topFiles, common, linked, names };
}

function commonFolder(a: string, b: string): string {
  const [first, second] = [a.split('/'), b.split('/')];
  let depth = 0;
  while (depth < first.length && depth < second.length && first[depth] === second[depth]) depth += 1;
  return first.slice(0, depth).join('/');
}
