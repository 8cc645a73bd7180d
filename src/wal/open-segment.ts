/** The segment that is being filled: its bytes in memory, and what is known of them. */
import type { CommitMark } from './segment-header.ts';
import { formatSegmentName, segmentStart, type WalSegment } from './segment-name.ts';
import type { PartName, SegmentToStore } from './wal-archive.ts';

export class OpenSegment {
  readonly name: string;
  readonly segmentSize: number;
  readonly start: bigint;
  readonly #buffer: Buffer;
  /** Bytes received, from the beginning. */
  filled = 0;
  /** Bytes that are stored. */
  shipped = 0;
  /** Parts that are stored. */
  parts: PartName[] = [];
  #sentFrom: Date | undefined;
  #sentAt: Date | undefined;
  #completeAt: Date | undefined;
  #firstCommit: CommitMark | undefined;
  #lastCommit: CommitMark | undefined;
  /** Of what is not stored yet. */
  #newFirst: CommitMark | undefined;
  #newLast: CommitMark | undefined;
  #newFrom: Date | undefined;

  /** `memory` of an earlier segment of this size may be used again. */
  constructor(segment: WalSegment, segmentSize: number, memory?: Buffer) {
    this.name = formatSegmentName(segment, segmentSize);
    this.segmentSize = segmentSize;
    this.start = segmentStart(segment.number, segmentSize);
    this.#buffer = memory ?? Buffer.alloc(segmentSize);
  }

  /** The position after the last byte received. */
  get end(): bigint {
    return this.start + BigInt(this.filled);
  }

  get isFull(): boolean {
    return this.filled === this.segmentSize;
  }

  /** For another segment, once this one is stored whole. */
  get memory(): Buffer {
    return this.#buffer;
  }

  /** What was received, up to now. */
  get received(): Buffer {
    return this.#buffer.subarray(0, this.filled);
  }

  /** Takes over what is stored already; the commits in it have been marked before. */
  resume(content: Uint8Array, sentFrom: Date): void {
    this.#buffer.set(content);
    this.#newFirst = undefined;
    this.#newLast = undefined;
    this.filled = content.length;
    this.shipped = content.length;
    this.#sentFrom = sentFrom;
    this.#sentAt = sentFrom;
  }

  /** Adds bytes that follow those before; they must fit. */
  append(bytes: Uint8Array, sentAt: Date): void {
    this.#buffer.set(bytes, this.filled);
    this.filled += bytes.length;
    this.#sentFrom ??= sentAt;
    this.#newFrom ??= sentAt;
    this.#sentAt = sentAt;
  }

  /** Everything that was committed until then has been received. */
  markComplete(at: Date): void {
    this.#completeAt = at;
  }

  markCommit(mark: CommitMark): void {
    this.#firstCommit ??= mark;
    this.#newFirst ??= mark;
    this.#lastCommit = mark;
    this.#newLast = mark;
  }

  /** All of it, or what is there of it. */
  whole(): SegmentToStore {
    return this.#describe(this.received, { from: this.#sentFrom, first: this.#firstCommit, last: this.#lastCommit });
  }

  /** What is not stored yet; undefined where there is nothing. From here on it counts as being stored. */
  takePart(): (SegmentToStore & { readonly offset: number }) | undefined {
    if (this.filled === this.shipped) return undefined;
    const from = { from: this.#newFrom, first: this.#newFirst, last: this.#newLast };
    const part = { ...this.#describe(this.#buffer.subarray(this.shipped, this.filled), from), offset: this.shipped };
    this.#newFrom = undefined;
    this.#newFirst = undefined;
    this.#newLast = undefined;
    return part;
  }

  #describe(
    bytes: Uint8Array,
    known: { readonly from: Date | undefined; readonly first: CommitMark | undefined; readonly last: CommitMark | undefined },
  ): SegmentToStore {
    const { name, segmentSize } = this;
    const sentAt = this.#sentAt;
    if (sentAt === undefined) throw new RangeError(`nothing of the segment ${name} was received`);
    return {
      name,
      segmentSize,
      bytes,
      sentFrom: known.from ?? sentAt,
      sentAt,
      ...(this.#completeAt === undefined ? {} : { completeAt: this.#completeAt }),
      ...(known.first === undefined ? {} : { firstCommit: known.first }),
      ...(known.last === undefined ? {} : { lastCommit: known.last }),
    };
  }
}
