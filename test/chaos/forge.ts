/** Repositories that no honest program writes: sealed with the right key, so that only what is in them can give them away. */
import { hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { keyOf } from '../../src/engine/layout.ts';
import type { BlobType } from '../../src/engine/pack/pack-header.ts';
import type { Repository } from '../../src/engine/repository.ts';
import { openQuickRepository } from '../harness/repositories/quick-repository.ts';

/** An index entry as JSON, so that it can say anything. */
export type ForgedEntry = Record<string, unknown>;

export interface ForgedBlob {
  readonly id: string;
  readonly type: BlobType;
  /** What is sealed: the content, or its compressed form. */
  readonly stored: Buffer;
  /** Where it is compressed. */
  readonly uncompressedLength?: number;
  /** Overrides what the index says. */
  readonly entry?: ForgedEntry;
}

const time = '2025-01-02T03:04:05.678901234Z';

export class Forge {
  readonly repository: Repository;
  readonly #blobs: ForgedBlob[] = [];

  private constructor(repository: Repository) {
    this.repository = repository;
  }

  static async open(path: string): Promise<Forge> {
    return new Forge(await openQuickRepository(path));
  }

  add(blob: ForgedBlob): string {
    this.#blobs.push(blob);
    return blob.id;
  }

  data(content: string | Buffer, entry: ForgedEntry = {}): string {
    const stored = Buffer.from(content);
    return this.add({ id: hash('sha256', stored), type: 'data', stored, entry });
  }

  /** A tree from raw entries; what they leave out is filled in. */
  tree(nodes: readonly ForgedEntry[], entry: ForgedEntry = {}): string {
    const filled = nodes.map((node) => ({ mode: 0o644, mtime: time, atime: time, ctime: time, uid: 0, gid: 0, content: null, ...node }));
    const stored = Buffer.from(`${JSON.stringify({ nodes: filled })}\n`);
    return this.add({ id: hash('sha256', stored), type: 'tree', stored, entry });
  }

  file(name: string, content: string, more: ForgedEntry = {}): ForgedEntry {
    return { name, type: 'file', size: content.length, content: [this.data(content)], ...more };
  }

  folder(name: string, subtree: string): ForgedEntry {
    return { name, type: 'dir', mode: 0x8000_01ed, subtree };
  }

  /** Blobs of a kind in one pack, an index that names them, and a snapshot of `root`. */
  async commit(root: string, snapshot: ForgedEntry = {}): Promise<void> {
    const packs: ForgedEntry[] = [];
    for (const type of ['data', 'tree'] as const) {
      const blobs = this.#blobs.filter((blob) => blob.type === type);
      if (blobs.length > 0) packs.push(await this.#pack(blobs));
    }
    this.#blobs.length = 0;
    await this.index({ packs });
    await this.snapshot({ time: '2025-01-02T03:04:05Z', hostname: 'forged', tree: root, paths: ['/x'], ...snapshot });
  }

  async index(index: unknown): Promise<void> {
    await this.repository.writeFile('index', Buffer.from(JSON.stringify(index)));
  }

  async snapshot(snapshot: unknown): Promise<void> {
    await this.repository.writeFile('snapshot', Buffer.from(JSON.stringify(snapshot)));
  }

  /** A file whose compressed content is so many megabytes of spaces. */
  async bomb(type: 'index' | 'snapshot' | 'lock', megabytes: number): Promise<void> {
    const sealed = this.repository.sealer.seal(Buffer.concat([Buffer.of(2), compressedSpaces(megabytes)]));
    await this.repository.storage.put(keyOf(type, hash('sha256', sealed)), sealed);
  }

  async #pack(blobs: readonly ForgedBlob[]): Promise<ForgedEntry> {
    const parts: Buffer[] = [];
    const entries: ForgedEntry[] = [];
    const header: Buffer[] = [];
    let offset = 0;
    for (const { id, type, stored, uncompressedLength, entry } of blobs) {
      const sealed = this.repository.sealer.seal(stored);
      const plain = uncompressedLength === undefined ? {} : { uncompressed_length: uncompressedLength };
      entries.push({ id, type, offset, length: sealed.length, ...plain, ...entry });
      header.push(headerRecord(type, sealed.length, uncompressedLength, id));
      parts.push(sealed);
      offset += sealed.length;
    }
    const sealedHeader = this.repository.sealer.seal(Buffer.concat(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(sealedHeader.length);
    const pack = Buffer.concat([...parts, sealedHeader, length]);
    const id = hash('sha256', pack);
    await this.repository.storage.put(keyOf('pack', id), pack);
    return { id, blobs: entries };
  }
}

/** Spaces, which JSON allows before anything, in a small zstd frame. */
export function compressedSpaces(megabytes: number): Buffer {
  return zstdCompressSync(Buffer.alloc(megabytes * 2 ** 20, ' '));
}

function headerRecord(type: BlobType, length: number, plain: number | undefined, id: string): Buffer {
  const record = Buffer.alloc(plain === undefined ? 5 : 9);
  record[0] = (type === 'tree' ? 1 : 0) + (plain === undefined ? 0 : 2);
  record.writeUInt32LE(length, 1);
  if (plain !== undefined) record.writeUInt32LE(plain, 5);
  return Buffer.concat([record, Buffer.from(id, 'hex')]);
}
