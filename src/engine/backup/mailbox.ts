/**
 * How the engine thread, which never waits for a promise, gets what only the main thread can fetch: ranges of objects on storage
 * that is not a folder of this machine, and the bytes of streams.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { isError } from '../../errors.ts';
import type { ByteRange, Storage } from '../../storage/storage.ts';
import type { StreamEntry } from '../../sources/source.ts';
import { BackupAborted } from './job-queue.ts';
import { control, type SharedState } from './shared-state.ts';

/** Bytes of a stream that may wait for the engine thread: with few they are still in the processor's cache when it copies them. */
const mostStreamBytes = 1024 * 1024;
/** Bytes of small chunks that are collected before they are sent. */
const parcelSize = 256 * 1024;

/** What a stream's entry says of itself. */
export interface StreamDescription extends Pick<StreamEntry, 'path' | 'owner' | 'linkTarget' | 'size'> {
  readonly kind: 'file' | 'folder' | 'link';
  readonly mode: number | undefined;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
  readonly chunks: 'content' | 'fixed';
}

export type StreamMessage =
  | ({ readonly type: 'entry' } & StreamDescription)
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'entry-end' }
  | { readonly type: 'end' };

/** An object is undefined where the repository has lost it, or does not give it now. */
type Delivery = StreamMessage | { readonly type: 'object'; readonly bytes: Uint8Array | undefined };

/** The engine thread's end. */
export class Mailbox {
  readonly #port: MessagePort;
  readonly #control: Int32Array;

  constructor(port: MessagePort, shared: SharedState) {
    this.#port = port;
    this.#control = new Int32Array(shared.control);
  }

  /** Part of an object of the repository. Sleeps until it is there. Throws a plain error where the repository has lost it. */
  fetch(key: string, range: ByteRange): Uint8Array {
    this.#port.postMessage({ key, range });
    const delivery = this.#receive();
    if (delivery.type !== 'object') throw new Error(`an object was asked for and ${delivery.type} came`);
    if (delivery.bytes === undefined) throw new Error(`${key} is not there`);
    return delivery.bytes;
  }

  /** What comes next of the streams. Sleeps until it is there. */
  nextOfStream(): StreamMessage {
    const delivery = this.#receive();
    if (delivery.type === 'object') throw new Error('a stream was asked for and an object came');
    if (delivery.type === 'chunk') {
      Atomics.sub(this.#control, control.streamBytes, delivery.bytes.length);
      Atomics.notify(this.#control, control.streamBytes);
    }
    return delivery;
  }

  #receive(): Delivery {
    for (;;) {
      const seen = Atomics.load(this.#control, control.inbox);
      const received: { message: Delivery } | undefined = receiveMessageOnPort(this.#port);
      if (received) return received.message;
      if (Atomics.load(this.#control, control.aborted) !== 0) throw new BackupAborted();
      Atomics.wait(this.#control, control.inbox, seen, 200);
    }
  }
}

const lost = ['storage-missing', 'storage-short', 'storage-refused'] as const;

/** The main thread's end. */
export class MailboxServer {
  readonly #port: MessagePort;
  readonly #control: Int32Array;
  readonly #parcel = new Uint8Array(parcelSize);

  /** @param fail called when an object that the engine asked for cannot be had. */
  constructor(port: MessagePort, shared: SharedState, storage: Storage, fail: (error: unknown) => void) {
    this.#port = port;
    this.#control = new Int32Array(shared.control);
    port.on('message', ({ key, range }: { key: string; range: ByteRange }) => {
      storage.get(key, range).then(
        (bytes) => this.#send({ type: 'object', bytes }),
        (error: unknown) => {
          // One of an archive class that no cache has is as good as lost to this run: what it is for is read anew.
          if (lost.some((code) => isError(error, code))) this.#send({ type: 'object', bytes: undefined });
          else fail(error);
        },
      );
    });
  }

  /** Sends streams through, one after the other, no faster than they are stored. Rejects with what the source threw. */
  async pump(entries: AsyncIterable<StreamEntry>, signal: AbortSignal): Promise<void> {
    for await (const entry of entries) {
      signal.throwIfAborted();
      const described = describeEntry(entry);
      this.#send({ type: 'entry', ...described });
      if (described.kind === 'file') await this.#pumpBytes(entry.open(), signal);
    }
    this.#send({ type: 'end' });
  }

  /** Small chunks travel together: a message costs as much as the copy of some ten thousand bytes. */
  async #pumpBytes(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    let filled = 0;
    for await (const bytes of chunks) {
      signal.throwIfAborted();
      if (filled > 0 && filled + bytes.length > parcelSize) {
        await this.#sendBytes(this.#parcel.subarray(0, filled), signal);
        filled = 0;
      }
      if (bytes.length > parcelSize) await this.#sendBytes(bytes, signal);
      else {
        this.#parcel.set(bytes, filled);
        filled += bytes.length;
      }
    }
    if (filled > 0) await this.#sendBytes(this.#parcel.subarray(0, filled), signal);
    this.#send({ type: 'entry-end' });
  }

  async #sendBytes(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#roomFor(bytes.length, signal);
    this.#send({ type: 'chunk', bytes });
  }

  close(): void {
    this.#port.close();
  }

  async #roomFor(bytes: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const waiting = Atomics.load(this.#control, control.streamBytes);
      if (waiting === 0 || waiting + bytes <= mostStreamBytes) break;
      const change = Atomics.waitAsync(this.#control, control.streamBytes, waiting, 200);
      if (change.async) await change.value;
      signal.throwIfAborted();
    }
    Atomics.add(this.#control, control.streamBytes, bytes);
  }

  #send(delivery: Delivery): void {
    if ('bytes' in delivery && delivery.bytes) {
      // A copy goes over: a source may hand out slices of a buffer that it still uses. Posted as it is, a slice would take its whole buffer along.
      const bytes = new Uint8Array(delivery.bytes);
      this.#port.postMessage({ ...delivery, bytes }, [bytes.buffer]);
    } else this.#port.postMessage(delivery);
    Atomics.add(this.#control, control.inbox, 1);
    Atomics.notify(this.#control, control.inbox);
  }
}

function describeEntry(entry: StreamEntry): StreamDescription {
  const { path, type = 'file', mode, modified, owner, linkTarget, size, chunks = 'content' } = entry;
  return {
    path,
    kind: type,
    mode,
    modified: BigInt(modified.getTime()) * 1_000_000n,
    chunks,
    ...(owner === undefined ? {} : { owner }),
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(size === undefined ? {} : { size }),
  };
}
