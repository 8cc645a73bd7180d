import { releaseBuffer } from '../../util/release-buffer.ts';
import type { Repository } from '../repository.ts';
import { encodePack, joinIndex, mostBlobsAnIndex, type IndexedPack } from './index-file.ts';

/**
 * Collects packs that are stored and writes them into index files. A pack must be durable before it is added: an index never names
 * what is not there. Calls may overlap; they are served one after the other.
 */
export class IndexWriter {
  /** The index files written so far. */
  readonly written: string[] = [];
  readonly #repository: Repository;
  #packs: Uint8Array[] = [];
  #blobs = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Takes one pack; writes an index file when enough are there. Throws what storing it throws: then no later call succeeds. */
  add(pack: IndexedPack): Promise<void> {
    return this.addEncoded(encodePack(pack), pack.blobs.length);
  }

  /** The same for a pack that `encodePack` has made into bytes; they are the writer's from now on. */
  addEncoded(pack: Uint8Array, blobs: number): Promise<void> {
    return this.#inTurn(async () => {
      // A file over the limit is allowed only for one pack that alone exceeds it.
      if (this.#blobs > 0 && this.#blobs + blobs > mostBlobsAnIndex) await this.#write();
      this.#packs.push(pack);
      this.#blobs += blobs;
      if (this.#blobs >= mostBlobsAnIndex) await this.#write();
    });
  }

  /** Writes what is collected now, so that an interrupted run keeps it. */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#write());
  }

  /** Writes the rest. When it resolves every pack that was added is in a durable index file. */
  finish(): Promise<void> {
    return this.flush();
  }

  async #write(): Promise<void> {
    if (this.#packs.length === 0) return;
    const json = joinIndex(this.#packs);
    for (const pack of this.#packs) releaseBuffer(pack);
    this.written.push(await this.#repository.writeFile('index', json));
    releaseBuffer(json);
    this.#packs = [];
    this.#blobs = 0;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done;
    // Whoever called is told; this only keeps a failure nobody has come to yet from ending the process.
    done.catch(() => {});
    return done;
  }
}
