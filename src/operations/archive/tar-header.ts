/**
 * Headers of tar archives: ustar, and pax records for what it has no room for. Names are bytes, so that what is no UTF-8 comes through too;
 * that is why this is written here.
 */
import { encodePath } from '../../util/path-bytes.ts';

export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'chardev' | 'dev' | 'dir' | 'fifo';

export interface TarEntryHeader {
  /** Relative. Bytes that are not UTF-8 are lone surrogates (util/path-bytes.ts). */
  readonly name: string;
  readonly type: TarEntryType;
  /** Permission bits, setuid, setgid and sticky. */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  /** Bytes; 0 for anything but a file. */
  readonly size: number;
  readonly linkName?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly attributes?: readonly { readonly name: string; readonly value: Uint8Array }[];
}

export const tarBlock = 512;

const typeFlags: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  chardev: '3',
  dev: '4',
  dir: '5',
  fifo: '6',
};
const nameRoom = 100;
const ownerRoom = 32;
const largestId = 0o7777777;
const largestSize = 0o77777777777;
const second = 1_000_000_000n;

/** The header of an entry, with the pax header before it where one is needed. */
export function encodeTarHeader(entry: TarEntryHeader): Buffer {
  const name = encodePath(entry.type === 'dir' && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name);
  const link = encodePath(entry.linkName ?? '');
  const records = paxRecords(entry, name, link);
  const header = encodeUstar(entry, name, link, typeFlags[entry.type]);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const about = { ...entry, type: 'file', mode: 0o600, size: body.length, uid: 0, gid: 0, user: '', group: '' } as const;
  const announced = encodeUstar(about, Buffer.from('././@PaxHeader'), Buffer.alloc(0), 'x');
  return Buffer.concat([announced, body, tarPadding(body.length), header]);
}

/** What fills the last block of so many bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((tarBlock - (size % tarBlock)) % tarBlock);
}

/** Two empty blocks end an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * tarBlock);
}

function paxRecords(entry: TarEntryHeader, name: Buffer, link: Buffer): Buffer[] {
  const { mtime, uid, gid, user = '', group = '', size, attributes = [] } = entry;
  const records: [string, Buffer | string][] = [];
  if (name.length > nameRoom) records.push(['path', name]);
  if (link.length > nameRoom) records.push(['linkpath', link]);
  if (mtime % second !== 0n || mtime < 0n || mtime / second > BigInt(largestSize)) records.push(['mtime', formatSeconds(mtime)]);
  if (size > largestSize) records.push(['size', String(size)]);
  if (uid > largestId) records.push(['uid', String(uid)]);
  if (gid > largestId) records.push(['gid', String(gid)]);
  if (Buffer.byteLength(user) > ownerRoom) records.push(['uname', user]);
  if (Buffer.byteLength(group) > ownerRoom) records.push(['gname', group]);
  for (const attribute of attributes) records.push([`SCHILY.xattr.${attribute.name}`, Buffer.from(attribute.value)]);
  return records.map(([key, value]) => paxRecord(key, typeof value === 'string' ? Buffer.from(value) : value));
}

/** `30 mtime=1350244992.023960108`: its length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function formatSeconds(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? '-' : '';
  const positive = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const part = (positive % second).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${positive / second}${part === '' ? '' : `.${part}`}`;
}

function encodeUstar(entry: TarEntryHeader, name: Buffer, link: Buffer, type: string): Buffer {
  const { mode, mtime, uid, gid, user = '', group = '', size, device } = entry;
  const header = Buffer.alloc(tarBlock);
  name.copy(header, 0, 0, nameRoom);
  writeOctal(header, 100, 8, mode);
  writeOctal(header, 108, 8, uid > largestId ? 0 : uid);
  writeOctal(header, 116, 8, gid > largestId ? 0 : gid);
  writeOctal(header, 124, 12, size > largestSize ? 0 : size);
  const seconds = mtime < 0n || mtime / second > BigInt(largestSize) ? 0 : Number(mtime / second);
  writeOctal(header, 136, 12, seconds);
  header.fill(' ', 148, 156);
  header.write(type, 156, 'latin1');
  link.copy(header, 157, 0, nameRoom);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(cutTo(user, ownerRoom - 1), 265, 'utf8');
  header.write(cutTo(group, ownerRoom - 1), 297, 'utf8');
  writeOctal(header, 329, 8, device?.major ?? 0);
  writeOctal(header, 337, 8, device?.minor ?? 0);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function writeOctal(header: Buffer, at: number, room: number, value: number): void {
  header.write(value.toString(8).padStart(room - 1, '0'), at, room - 1, 'latin1');
}

function cutTo(text: string, bytes: number): string {
  return Buffer.byteLength(text) <= bytes ? text : '';
}
