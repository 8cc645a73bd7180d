/** Zip files: their own list of contents is at the end, and each file is found by it. Stored and deflated, up to any size; no encryption. */
import { crc32, createInflateRaw } from 'node:zlib';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { decodePath } from '../../util/path-bytes.ts';
import { refuseImport } from './import-failure.ts';
import { safeName, type Member } from './member.ts';

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const largestDirectory = 256 * 1024 * 1024;
const largestRatio = 1100;

interface ZipEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly mode: number;
  readonly isLink: boolean;
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
  readonly modified: Date;
}

/** The entries in the order of the list. Throws for one that is cut, encrypted, or whose content does not have its sum. */
export async function* readZip(path: string): AsyncGenerator<Member, void, undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const entries = parseDirectory(path, await readDirectory(path, file, size));
    refuseOverlaps(path, entries, size);
    for (const entry of entries) {
      const safe = safeName(path, entry.name);
      if (safe === undefined) continue;
      const content = (): AsyncIterable<Uint8Array> => readContent(path, file, entry);
      const about = { name: safe, mode: entry.mode, modified: entry.modified };
      if (entry.isFolder) yield { ...about, type: 'folder', size: 0, open: nothing };
      else if (entry.isLink)
        yield { ...about, type: 'link', size: 0, linkTarget: decodePath(await collect(path, content())), open: nothing };
      else yield { ...about, type: 'file', size: entry.size, open: content };
    }
  } finally {
    await file.close();
  }
}

async function readAt(path: string, file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead < length) refuseImport(path, 'it is cut short');
  return buffer;
}

async function readDirectory(path: string, file: FileHandle, size: number): Promise<Buffer> {
  const tailLength = Math.min(size, 22 + 65_535 + 20);
  const tail = await readAt(path, file, size - tailLength, tailLength);
  let at = tail.length - 22;
  while (at >= 0 && tail.readUInt32LE(at) !== endSignature) at -= 1;
  if (at < 0) refuseImport(path, 'its list of contents is missing: it is cut short, or no zip');
  let [length, offset] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  if (length === 0xffffffff || offset === 0xffffffff || tail.readUInt16LE(at + 10) === 0xffff) {
    if (at < 20) refuseImport(path, 'its list of contents is missing');
    const end64 = await readAt(path, file, Number(tail.readBigUInt64LE(at - 12)), 56);
    if (end64.readUInt32LE(0) !== end64Signature) refuseImport(path, 'its list of contents is damaged');
    [length, offset] = [Number(end64.readBigUInt64LE(40)), Number(end64.readBigUInt64LE(48))];
  }
  if (length > largestDirectory || offset + length > size) refuseImport(path, 'its list of contents is damaged');
  return readAt(path, file, offset, length);
}

function parseDirectory(path: string, bytes: Buffer): ZipEntry[] {
  const entries: ZipEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== entrySignature) refuseImport(path, 'its list of contents is damaged');
    const [nameLength, extraLength, commentLength] = [
      bytes.readUInt16LE(at + 28),
      bytes.readUInt16LE(at + 30),
      bytes.readUInt16LE(at + 32),
    ];
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > bytes.length) refuseImport(path, 'its list of contents is damaged');
    const name = decodePath(bytes.subarray(at + 46, at + 46 + nameLength)).replaceAll('\\', '/');
    const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    const isUnix = bytes.readUInt8(at + 5) === 3;
    const unixMode = bytes.readUInt32LE(at + 38) >>> 16;
    const isFolder = name.endsWith('/');
    entries.push({
      name,
      isFolder,
      isLink: isUnix && (unixMode & 0o170000) === 0o120000,
      mode: isUnix && unixMode !== 0 ? unixMode & 0o7777 : isFolder ? 0o755 : 0o644,
      encrypted: (bytes.readUInt16LE(at + 8) & 1) !== 0,
      method: bytes.readUInt16LE(at + 10),
      modified: readModified(bytes, at, extra),
      crc: bytes.readUInt32LE(at + 16),
      ...readSizes(bytes, at, extra),
    });
    at = next;
  }
  return entries;
}

/** Sizes that do not fit into 32 bits stand in an extra field, in this order, each only where it is needed. */
function readSizes(bytes: Buffer, at: number, extra: Buffer): Pick<ZipEntry, 'packed' | 'size' | 'offset'> {
  const wide = findExtra(extra, 1);
  let from = 0;
  const take = (value: number): number => {
    if (value !== 0xffffffff || wide === undefined || from + 8 > wide.length) return value;
    from += 8;
    return Number(wide.readBigUInt64LE(from - 8));
  };
  const size = take(bytes.readUInt32LE(at + 24));
  const packed = take(bytes.readUInt32LE(at + 20));
  return { size, packed, offset: take(bytes.readUInt32LE(at + 42)) };
}

/** Unix' own time where it is there; else DOS', which is local. */
function readModified(bytes: Buffer, at: number, extra: Buffer): Date {
  const unix = findExtra(extra, 0x5455);
  if (unix !== undefined && unix.length >= 5 && ((unix[0] ?? 0) & 1) !== 0) return new Date(unix.readInt32LE(1) * 1000);
  const [time, date] = [bytes.readUInt16LE(at + 12), bytes.readUInt16LE(at + 14)];
  return new Date(1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2);
}

function findExtra(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id && at + 4 + length <= extra.length) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/** Many entries that share the same packed bytes are how a small file becomes petabytes. */
function refuseOverlaps(path: string, entries: readonly ZipEntry[], size: number): void {
  let end = 0;
  for (const { offset, packed, size: unpacked, name } of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (offset < end || offset + 30 + packed > size)
      refuseImport(path, `its list of contents is forged or damaged at ${JSON.stringify(name.slice(0, 100))}`);
    if (unpacked > 1024 * 1024 && unpacked > packed * largestRatio)
      refuseImport(path, `${JSON.stringify(name.slice(0, 100))} unpacks to more than it can`);
    end = offset + 30 + packed;
  }
}

async function* readContent(path: string, file: FileHandle, entry: ZipEntry): AsyncGenerator<Uint8Array, void, undefined> {
  const { name, method, encrypted, packed, offset, size, crc } = entry;
  if (encrypted) refuseImport(path, `${JSON.stringify(name)} in it is encrypted`, 'Unpack it, and import the folder');
  if (method !== 0 && method !== 8)
    refuseImport(
      path,
      `${JSON.stringify(name)} in it is packed in a way (${method}) that is not known`,
      'Unpack it, and import the folder',
    );
  const local = await readAt(path, file, offset, 30);
  if (local.readUInt32LE(0) !== localSignature) refuseImport(path, `it is damaged at ${JSON.stringify(name)}`);
  const start = offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  const raw = readRange(path, file, start, packed);
  const bytes =
    method === 0 ? raw : pipeline(Readable.from(raw, { objectMode: false }), createInflateRaw({ chunkSize: 256 * 1024 }), () => {});
  let [sum, read] = [0, 0];
  for await (const part of bytes) {
    const chunk = part as Uint8Array;
    read += chunk.length;
    if (read > size) break;
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (read !== size || sum !== crc) refuseImport(path, `${JSON.stringify(name)} in it is damaged: it does not have its checksum`);
}

async function* readRange(path: string, file: FileHandle, start: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  const step = 512 * 1024;
  for (let done = 0; done < length; done += step) yield await readAt(path, file, start + done, Math.min(step, length - done));
}

async function collect(path: string, bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > 4096) refuseImport(path, 'a link in it is longer than any');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
