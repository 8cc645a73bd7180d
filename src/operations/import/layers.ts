/** What lies around a backup: encryption and compression, taken off while it is read. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { refuseImport } from './import-failure.ts';
import type { Unsealing } from './unseal.ts';

export type Layer = 'gzip' | 'zstd' | 'gpg' | 'age';

export interface LayeredFile {
  readonly path: string;
  /** From the outside in. */
  readonly layers: readonly Layer[];
  /** The name without their endings: `shop.sql`. */
  readonly inner: string;
}

const endings: readonly [RegExp, Layer][] = [
  [/\.(gpg|pgp|asc)$/i, 'gpg'],
  [/\.age$/i, 'age'],
  [/\.gz$/i, 'gzip'],
  [/\.zst(d)?$/i, 'zstd'],
];

/** By the name; what is compressed without saying so is found by its first bytes when it is read. */
export function readLayers(path: string): LayeredFile {
  const layers: Layer[] = [];
  let name = path.slice(path.lastIndexOf('/') + 1);
  for (;;) {
    const found = endings.find(([ending]) => ending.test(name));
    if (found === undefined) break;
    layers.push(found[1]);
    name = name.replace(found[0], '');
  }
  const tar = /\.(tgz|tzst)$/i.exec(name);
  if (tar === null) return { path, layers, inner: name };
  return { path, layers: [...layers, tar[1]?.toLowerCase() === 'tgz' ? 'gzip' : 'zstd'], inner: name.replace(/\.\w+$/, '.tar') };
}

export interface OpenLayersRequest extends LayeredFile {
  readonly unseal: Unsealing;
  readonly signal: AbortSignal;
  /** Told the SHA-256 of the file itself once all of it was read. */
  readonly onHash?: (sha256: string) => void;
}

/** The content, without its layers. What is cut or damaged throws. A content that grows without bound is `import-unreadable`. */
export async function* openLayers(request: OpenLayersRequest): AsyncGenerator<Uint8Array, void, undefined> {
  const { path, layers, unseal, signal, onHash } = request;
  let bytes: AsyncIterable<Uint8Array> = readRaw(path, onHash);
  const known = layers.some((layer) => layer === 'gzip' || layer === 'zstd');
  for (const layer of known ? layers : [...layers, undefined]) {
    const next = layer ?? (layers.length === 0 ? await sniff(path) : undefined);
    if (next === 'gpg') bytes = unseal.gpg(bytes, path, signal);
    else if (next === 'age') bytes = unseal.age(bytes, path);
    else if (next !== undefined) bytes = decompress(bytes, next);
  }
  yield* bounded(bytes, path);
}

async function* readRaw(path: string, onHash: OpenLayersRequest['onHash']): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = onHash === undefined ? undefined : createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 512 * 1024 })) {
    const bytes = chunk as Buffer;
    hash?.update(bytes);
    yield bytes;
  }
  if (hash !== undefined) onHash?.(hash.digest('hex'));
}

async function sniff(path: string): Promise<'gzip' | 'zstd' | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return 'gzip';
    return buffer.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : undefined;
  } finally {
    await file.close();
  }
}

export async function* decompress(bytes: AsyncIterable<Uint8Array>, layer: 'gzip' | 'zstd'): AsyncGenerator<Uint8Array, void, undefined> {
  const options = { chunkSize: 256 * 1024 };
  const coder = layer === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  const output = pipeline(Readable.from(bytes, { objectMode: false }), coder, () => {});
  for await (const chunk of output) yield chunk as Uint8Array;
}

/** Nothing honest compresses a thousandfold for long. */
const freeBytes = 1024 ** 3;
const largestRatio = 1000;

async function* bounded(bytes: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const { size } = await stat(path);
  let read = 0;
  for await (const chunk of bytes) {
    read += chunk.length;
    if (read > freeBytes && read > size * largestRatio)
      refuseImport(path, `it unpacks to more than ${largestRatio} times its size, which no backup does`);
    yield chunk;
  }
}

/** The first bytes, at most so many. */
export async function readStart(bytes: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= most) break;
  }
  return Buffer.concat(chunks).subarray(0, most);
}
