/**
 * Brings what was received into the archive, one object after the other, so that what is stored is always contiguous. Of the segment being
 * filled the new bytes go as a part; a full one goes whole, and then its parts are removed.
 */
import type { OpenSegment } from './open-segment.ts';
import type { WalArchive } from './wal-archive.ts';

/** More parts of one segment than this are joined. */
const mostParts = 64;

export interface ShipperListener {
  /** Everything up to here is in the archive, and everything committed until then. */
  stored(end: bigint, completeAt: Date | undefined, what: { readonly segments: number; readonly parts: number }): void;
}

export class SegmentShipper {
  readonly #archive: WalArchive;
  readonly #listener: ShipperListener;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #failure: Error | undefined;
  /** Resolves when something could not be stored. */
  readonly failed: Promise<unknown>;
  #fail: (error: unknown) => void = () => {};

  constructor(archive: WalArchive, listener: ShipperListener) {
    this.#archive = archive;
    this.#listener = listener;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /** Nothing is being stored. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** So little waits to be stored that more may be given. */
  get isReady(): boolean {
    return this.#waiting < 2;
  }

  /** Does this after what was given before. */
  run(work: () => Promise<void>): void {
    this.#enqueue(work);
  }

  /** Stores the segment whole. Nothing may be appended to it any more. */
  shipWhole(segment: OpenSegment): void {
    this.#enqueue(async () => {
      const whole = segment.whole();
      await this.#archive.putSegment(whole);
      segment.shipped = segment.segmentSize;
      this.#listener.stored(segment.end, whole.completeAt, { segments: 1, parts: 0 });
      await this.#archive.removeParts(segment.name, segment.parts);
      segment.parts = [];
    });
  }

  /** Stores what is new in a segment that is not full. */
  shipPart(segment: OpenSegment): void {
    this.#enqueue(() => this.#storePart(segment));
  }

  async #storePart(segment: OpenSegment): Promise<void> {
    const fresh = segment.takePart();
    if (fresh === undefined || segment.isFull) return;
    const superseded = segment.parts.length >= mostParts ? segment.parts : [];
    const part = superseded.length > 0 ? { ...segment.whole(), offset: 0 } : fresh;
    const range = { start: part.offset, end: part.offset + part.bytes.length };
    await this.#archive.putPart(part);
    segment.parts = [...segment.parts, range];
    segment.shipped = range.end;
    this.#listener.stored(segment.start + BigInt(range.end), part.completeAt, { segments: 0, parts: 1 });
    await this.#archive.removeParts(segment.name, superseded);
    segment.parts = segment.parts.filter((known) => !superseded.includes(known));
  }

  /** Waits until all that was given is stored. Throws what could not be. */
  async settle(): Promise<void> {
    await this.#work;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#waiting += 1;
    this.#work = this.#work.then(async () => {
      try {
        if (this.#failure === undefined) await work();
      } catch (error) {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
        this.#fail(this.#failure);
      } finally {
        this.#waiting -= 1;
      }
    });
  }
}
