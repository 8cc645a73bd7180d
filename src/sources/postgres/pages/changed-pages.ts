/** Pages that wait until their file has ended: the format of increments begins with their numbers. In memory at first, then in a temporary file. */
import { ScratchFile } from './scratch-file.ts';

const slabSize = 1024 * 1024;
/** Bytes kept in memory. */
const roomInMemory = 8 * slabSize;

/** One for all files of a backup, one after the other. */
export class ChangedPages {
  readonly #folder: string;
  readonly #slabs: Buffer[] = [];
  /** Bytes in memory. */
  #held = 0;
  #spilled: ScratchFile | undefined;

  /** The folder is for temporary files; nothing is written before it must be. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What is in memory has reached its limit: `spill` makes room. */
  get isFull(): boolean {
    return this.#held >= roomInMemory;
  }

  keep(page: Uint8Array): void {
    const index = Math.floor(this.#held / slabSize);
    const slab = this.#slabs[index] ?? (this.#slabs[index] = Buffer.allocUnsafeSlow(slabSize));
    slab.set(page, this.#held % slabSize);
    this.#held += page.length;
  }

  spill(): void {
    this.#spilled ??= new ScratchFile(this.#folder);
    for (const slab of this.#inMemory()) this.#spilled.append(slab);
    this.#held = 0;
  }

  /** All of it in order. A piece is only good until the next is asked for. */
  *stream(): Generator<Uint8Array, void, undefined> {
    const spilled = this.#spilled;
    // One buffer for all pieces: those that are dropped would pile up until they are collected.
    if (spilled !== undefined && spilled.size > 0) {
      const piece = Buffer.allocUnsafeSlow(slabSize);
      for (let at = 0; at < spilled.size; at += slabSize) yield spilled.read(at, Math.min(slabSize, spilled.size - at), piece);
    }
    yield* this.#inMemory();
  }

  /** Forgets it all, for the next file. */
  clear(): void {
    this.#held = 0;
    this.#spilled?.clear();
  }

  close(): void {
    this.#spilled?.close();
    this.#spilled = undefined;
  }

  *#inMemory(): Generator<Buffer, void, undefined> {
    for (let at = 0; at < this.#held; at += slabSize) {
      const slab = this.#slabs[at / slabSize];
      if (slab !== undefined) yield slab.subarray(0, Math.min(slabSize, this.#held - at));
    }
  }
}
