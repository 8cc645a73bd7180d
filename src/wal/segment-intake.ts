/** Takes in what one stream brings: into the segment being filled, from there to the archive; and confirms what the archive has. */
import { HoldfastError, reasonOf } from '../errors.ts';
import type { CommitScanner } from './commit-scanner.ts';
import { formatLsn } from '../util/lsn.ts';
import { OpenSegment } from './open-segment.ts';
import type { ReceiveSession } from './receive-session.ts';
import { segmentNumberAt } from './segment-name.ts';
import { SegmentShipper } from './segment-shipper.ts';
import type { WalMessage, WalStream } from './wal-feed.ts';

/** The segment being filled, and the scanner that looks at what comes. */
export interface FillingSegment {
  segment: OpenSegment;
  readonly scanner: CommitScanner;
}

export interface IntakeRequest {
  readonly stream: WalStream;
  readonly timeline: number;
  readonly filling: FillingSegment;
  readonly until: bigint | undefined;
  /** Ends the stream. */
  readonly stop: AbortController;
}

/** That nothing was committed is recorded this often, by the server's clock. */
const idleMs = 60_000;
/** Segments larger than this are not filled while the one before is being stored. */
const mostAhead = 64 * 2 ** 20;

export class SegmentIntake {
  readonly #session: ReceiveSession;
  readonly #request: IntakeRequest;
  readonly #filling: FillingSegment;
  readonly #shipper: SegmentShipper;
  #lastWhole: OpenSegment | undefined;
  #isDone = false;
  #isEnded = false;
  /** Up to where the server was when it last had nothing more, and when. */
  #idleSince: Date | undefined;

  constructor(session: ReceiveSession, request: IntakeRequest) {
    this.#session = session;
    this.#request = request;
    this.#filling = request.filling;
    this.#shipper = new SegmentShipper(session.archive, { stored: (...stored) => this.#noteStored(...stored) });
    const { segment } = request.filling;
    session.ledger.storedUpTo(segment.start + BigInt(segment.shipped), undefined);
    session.ledger.received = segment.end;
    void this.#shipper.failed.then((error) => request.stop.abort(error));
  }

  /** The position after the last byte received. */
  get received(): bigint {
    return this.#filling.segment.end;
  }

  /** Until the stream ends (true), or what was wanted is stored or the signal came (false). Whatever happens, what was received is stored. */
  async run(): Promise<boolean> {
    const { request } = this.#session;
    const flush = setInterval(() => this.#ship(), request.flushMs);
    this.#confirm();
    this.#isDone = this.#isWanted(this.#session.ledger.shipped ?? 0n);
    try {
      if (!this.#isDone) for await (const message of this.#request.stream.messages) if (await this.#accept(message)) break;
    } catch (error) {
      await this.#rescue(error);
      if (this.#isDone || request.signal.aborted) return false;
      throw this.#request.stop.signal.aborted ? this.#request.stop.signal.reason : error;
    } finally {
      clearInterval(flush);
    }
    const hasEnded = !(this.#isDone || request.signal.aborted);
    // The server listens no more.
    this.#isEnded = hasEnded;
    await this.#finish();
    return hasEnded;
  }

  /** True when there is nothing more to do. */
  async #accept(message: WalMessage): Promise<boolean> {
    const { ledger, request } = this.#session;
    ledger.hear(message.sentAt, message.serverEnd);
    const bytes = this.#withoutOverlap(message);
    if (bytes.length > 0) await this.#take(bytes, message.sentAt);
    ledger.received = this.received;
    if (this.received === message.serverEnd) this.#noteComplete(message.sentAt);
    if (message.replyNow) this.#confirm();
    if (request.synchronous || this.#isWanted(this.received)) this.#ship();
    return this.#isDone;
  }

  /** What the repository has already is compared, not stored again. */
  #withoutOverlap({ start, bytes }: WalMessage): Uint8Array {
    const { segment } = this.#filling;
    if (bytes.length === 0 || start === segment.end) return bytes;
    if (start > segment.end || start < segment.start)
      throw new HoldfastError('replication-protocol', {
        server: 'the server',
        reason: `WAL from ${formatLsn(start)} came where ${formatLsn(segment.end)} was next`,
      });
    const from = Number(start - segment.start);
    const known = segment.received.subarray(from, from + bytes.length);
    if (!known.equals(bytes.subarray(0, known.length)))
      throw new HoldfastError('wal-diverged', { reason: `its WAL from ${formatLsn(start)} on is not what is stored` });
    return bytes.subarray(known.length);
  }

  async #take(bytes: Uint8Array, sentAt: Date): Promise<void> {
    this.#session.ledger.bytes += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const { segment, scanner } = this.#filling;
      const fitting = bytes.subarray(at, at + segment.segmentSize - segment.filled);
      const start = segment.end;
      segment.append(fitting, sentAt);
      scanner.feed(start, fitting);
      at += fitting.length;
      if (segment.isFull) await this.#complete(segment);
    }
  }

  /** The server waits while this does: no more than two segments are in memory. */
  async #complete(segment: OpenSegment): Promise<void> {
    const { segmentSize, end } = segment;
    await this.#shipper.settle();
    const memory = this.#lastWhole?.memory;
    this.#shipper.shipWhole(segment);
    this.#lastWhole = segment;
    if (segmentSize > mostAhead) await this.#shipper.settle();
    const next = { timeline: this.#request.timeline, number: segmentNumberAt(end, segmentSize) };
    this.#filling.segment = new OpenSegment(next, segmentSize, memory);
  }

  #ship(): void {
    const { segment } = this.#filling;
    if (segment.filled > segment.shipped && this.#shipper.isReady) this.#shipper.shipPart(segment);
  }

  #noteStored(end: bigint, completeAt: Date | undefined, what: { readonly segments: number; readonly parts: number }): void {
    const { ledger, request } = this.#session;
    ledger.storedUpTo(end, completeAt);
    ledger.segments += what.segments;
    ledger.parts += what.parts;
    this.#confirm();
    this.#noteProgress();
    if (request.synchronous || this.#isWanted(this.received)) this.#ship();
    request.events({ type: 'progress', phase: 'wal', itemsDone: ledger.segments, bytesDone: ledger.bytes, current: formatLsn(end) });
  }

  /** Ends the stream when what is wanted is stored. */
  #noteProgress(): void {
    const { shipped } = this.#session.ledger;
    if (shipped === undefined || !this.#isWanted(shipped)) return;
    this.#isDone = true;
    this.#request.stop.abort(new HoldfastError('interrupted'));
  }

  #isWanted(position: bigint): boolean {
    const { until } = this.#request;
    return until !== undefined && position >= until;
  }

  /** The server has nothing that was not received. */
  #noteComplete(at: Date): void {
    const { ledger, archive } = this.#session;
    const { segment } = this.#filling;
    segment.markComplete(at);
    if (segment.filled > segment.shipped || !this.#shipper.isIdle) {
      this.#idleSince = undefined;
      return;
    }
    ledger.storedUpTo(segment.end, at);
    this.#idleSince ??= at;
    if (at.getTime() - this.#idleSince.getTime() < idleMs) return;
    this.#idleSince = at;
    this.#shipper.run(() => archive.putPosition({ timeline: this.#request.timeline, end: segment.end, at }));
  }

  #confirm(): void {
    const { shipped } = this.#session.ledger;
    if (shipped !== undefined && !this.#isEnded) this.#request.stream.confirm({ written: this.received, flushed: shipped });
  }

  /** All that was received is stored and confirmed. */
  async #finish(): Promise<void> {
    await this.#shipper.settle();
    this.#shipper.shipPart(this.#filling.segment);
    await this.#shipper.settle();
    this.#confirm();
  }

  /** The same after a failure, which is the news: what could not be stored is received again. */
  async #rescue(failure: unknown): Promise<void> {
    try {
      await this.#finish();
    } catch (error) {
      if (error !== failure)
        this.#session.request.events({ type: 'notice', message: `what was received last could not be stored: ${reasonOf(error)}` });
    }
  }
}
