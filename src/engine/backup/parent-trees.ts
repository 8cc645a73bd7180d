import { closeSync, openSync, readSync } from 'node:fs';
import { BlobOpener } from '../pack/blob-opener.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { keyOf } from '../layout.ts';
import { mostPlainBytes } from '../pack/pack-header.ts';
import { BackupAborted } from './job-queue.ts';
import type { Mailbox } from './mailbox.ts';
import { readParentEntries, type ParentFolder } from './parent-folder.ts';
import type { EngineStart } from './thread-start.ts';

/** The trees of the parent snapshot, read synchronously inside the engine thread. */
export class ParentTrees {
  readonly #index: BlobIndex;
  readonly #opener: BlobOpener;
  readonly #packIds: Buffer;
  readonly #folder: string | undefined;
  readonly #mailbox: Mailbox;
  #openPack = -1;
  #file = -1;

  constructor(start: EngineStart, index: BlobIndex, mailbox: Mailbox) {
    this.#index = index;
    this.#opener = new BlobOpener(start.masterKey);
    this.#packIds = Buffer.from(start.packIds.buffer, start.packIds.byteOffset, start.packIds.byteLength);
    this.#folder = start.localFolder;
    this.#mailbox = mailbox;
  }

  /** The entries of a tree, or undefined where the repository has lost it: then the folder is simply read anew. */
  read(id: string): ParentFolder | undefined {
    const entry = this.#index.find(id, 'tree');
    if (entry < 0) return undefined;
    try {
      const length = this.#index.lengthOf(entry);
      if (Math.max(length, this.#index.uncompressedLengthOf(entry)) > mostPlainBytes) return undefined;
      const input = this.#opener.input(length);
      this.#readPack(this.#index.packOf(entry), this.#index.offsetOf(entry), input);
      const json = this.#opener.open(id, 0, length, this.#index.uncompressedLengthOf(entry));
      return { tree: id, entries: readParentEntries(json) };
    } catch (error) {
      if (error instanceof BackupAborted) throw error;
      // A damaged parent costs time, nothing else; `check` is what reports it.
      return undefined;
    }
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
    this.#openPack = -1;
  }

  #readPack(pack: number, offset: number, target: Uint8Array): void {
    const id = this.#packIds.toString('hex', pack * 32, pack * 32 + 32);
    const key = keyOf('pack', id);
    if (this.#folder === undefined) {
      target.set(this.#mailbox.fetch(key, { offset, length: target.length }));
      return;
    }
    // Trees of one snapshot lie side by side, so the file of the last one is usually the right one.
    if (pack !== this.#openPack) {
      this.close();
      this.#file = openSync(`${this.#folder}${key}`, 'r');
      this.#openPack = pack;
    }
    for (let done = 0; done < target.length;) {
      const got = readSync(this.#file, target, done, target.length - done, offset + done);
      if (got === 0) throw new Error('the pack is too short');
      done += got;
    }
  }
}
