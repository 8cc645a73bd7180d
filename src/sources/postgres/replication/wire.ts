/**
 * PostgreSQL's messages on a connection that `pg` has opened and logged in: this takes its socket over, because `pg` cannot read the copy
 * streams of the replication protocol. The payload of copy data is handed on in the pieces it arrives in, without a copy.
 */
import type { Duplex } from 'node:stream';
import { ProtocolFailure, WireFailure } from './failures.ts';

export type WirePart =
  /** A whole message; `type` is its letter. */
  | { readonly type: string; readonly body: Buffer }
  /** A piece of a CopyData message, which `first` begins and `last` ends. */
  | { readonly type: 'd'; readonly body: Buffer; readonly first: boolean; readonly last: boolean };

/** Only rows and messages for people come in one piece; none is near this. */
const largestMessage = 16 * 1024 * 1024;
/** Milliseconds; an answer to a command comes at once. */
export const usualPatience = 60_000;
/** So much is taken from the socket before whoever reads has to have caught up: little, so that it is still in the processor's cache when it is read. */
const highWater = 256 * 1024;
const lowWater = 128 * 1024;

export class Wire {
  /** Milliseconds of silence after which the connection is given up while somebody waits for the server; for ever where undefined. */
  patience: number | undefined = usualPatience;
  readonly #socket: Duplex;
  readonly #signal: AbortSignal | undefined;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #paused = false;
  /** What is left of the CopyData message under way. */
  #left = 0;
  #isFirst = false;
  #over: Error | undefined;
  /** Ended from this side: what has come is not looked at any more. */
  #isCut = false;
  #wake: (() => void) | undefined;

  constructor(socket: Duplex, signal?: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#finish(new WireFailure(error.message, { cause: error })));
    socket.on('end', () => this.#finish(new WireFailure('the server closed the connection')));
    socket.on('close', () => this.#finish(new WireFailure('the connection was closed')));
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted === true) this.#abort();
  }

  /** False once the connection is over. */
  get isOpen(): boolean {
    return this.#over === undefined;
  }

  /** The next part; waits for it. Throws a WireFailure, a ProtocolFailure, or the signal's reason. */
  async next(): Promise<WirePart> {
    for (;;) {
      const part = this.tryNext();
      if (part !== undefined) return part;
      if (this.#over !== undefined) throw this.#over;
      await this.#wait();
    }
  }

  /** The next part where it is here already. */
  tryNext(): WirePart | undefined {
    if (this.#isCut && this.#over !== undefined) throw this.#over;
    if (this.#left > 0 || this.#isFirst) return this.#piece();
    if (this.#waiting < 5) return undefined;
    const header = this.#peek(5);
    const type = String.fromCharCode(header[0] ?? 0);
    const length = header.readInt32BE(1) - 4;
    if (length < 0 || !/[A-Za-z0-9]/.test(type)) throw this.#distrust('what it sends is not of its protocol');
    if (type === 'd') {
      this.#drop(5);
      this.#left = length;
      this.#isFirst = true;
      return this.#piece();
    }
    if (length > largestMessage) throw this.#distrust(`it sends a message of ${length} bytes`);
    if (this.#waiting < 5 + length) {
      /* A message may be larger than the mark at which reading pauses. */
      this.#resume();
      return undefined;
    }
    this.#drop(5);
    return { type, body: this.#cut(length) };
  }

  /** Sends a message. False where the socket would rather have a rest: then wait for `drained`. */
  send(type: string, body: Uint8Array): boolean {
    const header = Buffer.allocUnsafe(5);
    header.write(type, 'latin1');
    header.writeInt32BE(body.length + 4, 1);
    if (this.#over !== undefined || this.#socket.destroyed) return true;
    return this.#socket.write(Buffer.concat([header, body]));
  }

  /** Resolves when what was sent has left, and when the connection is over. */
  async drained(): Promise<void> {
    const socket = this.#socket;
    if (!socket.writableNeedDrain || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'error']) socket.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'error']) socket.on(event, done);
    });
  }

  /** Ends it from this side, with a goodbye. */
  close(): void {
    if (this.#over !== undefined) return void this.#socket.destroy();
    this.send('X', Buffer.alloc(0));
    this.#isCut = true;
    this.#finish(new WireFailure('the connection was closed'));
    this.#socket.end(() => this.#socket.destroy());
  }

  /** Cuts the connection; who reads gets `reason`. */
  destroy(reason: Error): void {
    this.#isCut = true;
    this.#finish(reason);
    this.#socket.destroy();
  }

  readonly #abort = (): void => {
    this.destroy(this.#reason());
  };

  #reason(): Error {
    const reason: unknown = this.#signal?.reason;
    return reason instanceof Error ? reason : new Error(String(reason));
  }

  #distrust(reason: string): ProtocolFailure {
    const failure = new ProtocolFailure(reason);
    this.destroy(failure);
    return failure;
  }

  #take(chunk: Buffer): void {
    if (this.#over !== undefined) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > highWater && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    this.#rouse();
  }

  #finish(reason: Error): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#rouse();
  }

  async #wait(): Promise<void> {
    const { patience } = this;
    const giveUp = (): void => this.destroy(new WireFailure(`nothing came from the server for ${(patience ?? 0) / 1000} s`));
    const timer = patience === undefined ? undefined : setTimeout(giveUp, patience);
    await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  #piece(): WirePart | undefined {
    if (this.#left > 0 && this.#waiting === 0) return undefined;
    const body = this.#left === 0 ? Buffer.alloc(0) : this.#cut(Math.min(this.#left, this.#chunks[0]?.length ?? 0));
    this.#left -= body.length;
    const part = { type: 'd' as const, body, first: this.#isFirst, last: this.#left === 0 };
    this.#isFirst = false;
    return part;
  }

  /** The next bytes, without taking them. */
  #peek(count: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= count) return first;
    return Buffer.concat(this.#chunks.slice(0, count)).subarray(0, count);
  }

  #drop(count: number): void {
    let rest = count;
    this.#waiting -= count;
    while (rest > 0) {
      const [first] = this.#chunks;
      if (first === undefined) break;
      if (first.length > rest) {
        this.#chunks[0] = first.subarray(rest);
        break;
      }
      rest -= first.length;
      this.#chunks.shift();
    }
    if (this.#waiting < lowWater) this.#resume();
  }

  /** Takes bytes that are here: a view where they lie in one chunk. */
  #cut(count: number): Buffer {
    const [first] = this.#chunks;
    const body = first === undefined || first.length >= count ? (first ?? Buffer.alloc(0)).subarray(0, count) : this.#gather(count);
    this.#drop(count);
    return body;
  }

  #gather(count: number): Buffer {
    const body = Buffer.allocUnsafe(count);
    let at = 0;
    for (const chunk of this.#chunks) {
      at += chunk.copy(body, at, 0, Math.min(chunk.length, count - at));
      if (at === count) break;
    }
    return body;
  }
}
