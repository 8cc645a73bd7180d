/** Runs the threads of one backup: starts them, commits the packs they finish, and ends all of them when one fails. */
import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { HoldfastError } from '../../errors.ts';
import type { HoldfastEvent } from '../../events.ts';
import type { Capture } from '../../sources/source.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import { IndexWriter } from '../index/index-writer.ts';
import { keyOf } from '../layout.ts';
import type { Compression } from '../pack/zstd-codec.ts';
import type { Repository } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import type { Crew } from './crew.ts';
import { MailboxServer } from './mailbox.ts';
import type { FinishedPack } from './pack-writer.ts';
import { control, counter, createSharedState, type SharedState } from './shared-state.ts';
import type { EngineResult, EngineStart, ThreadMessage, ThreadStart, WriterTotals } from './thread-start.ts';

export interface ThreadsRequest {
  readonly capture: Capture;
  readonly time: Date;
  readonly parentTree: string | undefined;
  /** Whether the parent's entries may be written again without being read. */
  readonly reuseEntries: boolean;
  readonly compression: Compression | 'off';
  readonly withAtime: boolean;
  readonly dryRun: boolean;
}

export interface ThreadsResult extends EngineResult {
  readonly data: WriterTotals;
  readonly problems: number;
}

const progressInterval = 200;
/** A source that has not ended this many milliseconds after the run has is not waited for. */
const sourceGrace = 3000;

/** Stores what the capture yields. Returns when every blob and tree is in durable packs that durable index files name, and no thread is at work. */
export async function runBackupThreads(
  repository: Repository,
  index: BlobIndex,
  crew: Crew,
  request: ThreadsRequest,
  context: RunContext,
): Promise<ThreadsResult> {
  const run = new BackupRun(repository, index, crew, request, context);
  return run.finish();
}

class BackupRun {
  readonly #repository: Repository;
  readonly #index: BlobIndex;
  readonly #crew: Crew;
  readonly #request: ThreadsRequest;
  readonly #context: RunContext;
  readonly #shared: SharedState;
  readonly #control: Int32Array;
  readonly #indexWriter: IndexWriter;
  readonly #commits = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #totals: WriterTotals[] = [];
  #startWorkers: (count: number) => void = () => {};
  #result: EngineResult | undefined;
  #problems = 0;
  #failure: Error | undefined;

  constructor(repository: Repository, index: BlobIndex, crew: Crew, request: ThreadsRequest, context: RunContext) {
    this.#repository = repository;
    this.#index = index;
    this.#crew = crew;
    this.#request = request;
    this.#context = context;
    this.#shared = createSharedState(crew.memory);
    this.#control = new Int32Array(this.#shared.control);
    Atomics.store(this.#control, control.nextPack, index.packs.length);
    this.#indexWriter = new IndexWriter(repository);
  }

  async finish(): Promise<ThreadsResult> {
    const stagingPrefix = `${(await this.#repository.storage.local?.stagingFolder()) ?? tmpdir()}/pack-${randomUUID()}-`;
    const { signal } = this.#context;
    const interrupt = (): void => this.#fail(signal.reason instanceof HoldfastError ? signal.reason : new HoldfastError('interrupted'));
    signal.addEventListener('abort', interrupt, { once: true });
    const timer = setInterval(() => this.#reportProgress(), progressInterval);
    try {
      if (signal.aborted) interrupt();
      await this.#runThreads(stagingPrefix);
      await Promise.all(this.#commits);
      // Before the index is written: where the disk is full, this makes the room it needs.
      if (this.#failure) await removeStaged(stagingPrefix);
      // Also after a failure: what is stored need not be stored again by the next run.
      await this.#indexWriter.finish().catch((error: unknown) => this.#fail(error));
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', interrupt);
      await removeStaged(stagingPrefix);
    }
    this.#reportProgress();
    if (this.#failure) throw this.#failure;
    if (!this.#result) throw new HoldfastError('internal', { reason: 'the engine thread ended without a result' });
    return { ...this.#result, data: addTotals(this.#totals), problems: this.#problems };
  }

  /**
   * Resolves when every thread has ended its run. The first worker is started by the first blob, since a run that finds nothing new needs none; the others by
   * more than one is worth.
   */
  async #runThreads(stagingPrefix: string): Promise<void> {
    const { storage, masterKey, config } = this.#repository;
    const { port1, port2 } = new MessageChannel();
    const mailbox = new MailboxServer(port1, this.#shared, storage, (error) => this.#fail(error));
    const common = {
      shared: this.#shared,
      index: this.#index.shared,
      masterKey,
      threads: this.#crew.workers + 1,
      stagingPrefix,
      compression: config.version > 1 ? this.#request.compression : 'off',
      dryRun: this.#request.dryRun,
    };
    const workers: Promise<void>[] = [];
    this.#startWorkers = (count) => {
      while (workers.length < Math.min(count, this.#crew.workers)) {
        const start: ThreadStart = { ...common, thread: workers.length + 1 };
        const worker = this.#crew.blobWorker(workers.length);
        workers.push(this.#attend(worker));
        worker.postMessage(start);
      }
    };
    const start: EngineStart = { ...common, ...this.#engineStart(), thread: 0, mailbox: port2 };
    const engineEnded = this.#attend(this.#crew.engine);
    this.#crew.engine.postMessage(start, [port2]);
    if (this.#request.parentTree === undefined) this.#startWorkers(1);
    const { capture } = this.#request;
    if (capture.shape === 'streams') {
      const pumped = mailbox.pump(capture.entries, this.#stop.signal).catch((error: unknown) => this.#fail(error));
      await Promise.race([pumped, this.#stoppedFor(sourceGrace)]);
    }
    await engineEnded;
    await Promise.all(workers);
    mailbox.close();
  }

  /** Resolves so many milliseconds after the run has failed or was interrupted. */
  async #stoppedFor(milliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    if (!signal.aborted) await once(signal, 'abort');
    await setTimeout(milliseconds, undefined, { ref: false });
  }

  #engineStart(): Omit<EngineStart, keyof ThreadStart | 'mailbox'> {
    const { capture, time, parentTree, reuseEntries, withAtime } = this.#request;
    const { storage, config } = this.#repository;
    return {
      polynomial: config.polynomial,
      work: capture.shape === 'tree' ? { kind: 'tree', capture } : { kind: 'streams', time: BigInt(time.getTime()) * 1_000_000n },
      withAtime,
      parentTree,
      // Times of last access are in the entries, and change without a trace.
      reuseEntries: reuseEntries && !withAtime,
      packIds: parentTree === undefined ? new Uint8Array(0) : Buffer.from(this.#index.packs.join(''), 'hex'),
      localFolder: storage.local?.path('config').slice(0, -'config'.length),
    };
  }

  /** Listens to a thread. Resolves when its run is over, however it ended. */
  async #attend(thread: Worker): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const hear = (message: ThreadMessage): void => (message.type === 'ended' ? resolve() : this.#handle(message));
    const fail = (error: unknown): void => this.#fail(error);
    const end = (): void => resolve();
    thread.on('message', hear).on('error', fail).on('exit', end);
    await promise;
    thread.off('message', hear).off('error', fail).off('exit', end);
  }

  #handle(message: Exclude<ThreadMessage, { type: 'ended' }>): void {
    switch (message.type) {
      case 'workers':
        this.#startWorkers(message.wanted);
        break;
      case 'pack':
        this.#track(this.#commit(message.pack));
        break;
      case 'problem':
        this.#problems += 1;
        this.#context.events({ type: 'problem', path: message.path, reason: message.reason });
        break;
      case 'notice':
        this.#context.events({ type: 'notice', message: message.message });
        break;
      case 'blobs':
        this.#totals.push(message.totals);
        break;
      case 'engine':
        this.#result = message.result;
        break;
      case 'failed':
        this.#fail(failureOf(message, this.#repository.location));
        break;
    }
  }

  #track(commit: Promise<void>): void {
    const tracked = commit
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#commits.delete(tracked);
        Atomics.sub(this.#control, control.waitingPacks, 1);
        Atomics.notify(this.#control, control.waitingPacks);
      });
    this.#commits.add(tracked);
  }

  async #commit(pack: FinishedPack): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { storage } = this.#repository;
    // A rename is done at once; an upload may take long, and whoever interrupts the run does not want to wait for it.
    const options = storage.local === undefined ? { signal: this.#context.signal } : {};
    await storage.putFile(keyOf('pack', pack.id), pack.path, { ...options, sha256: pack.id, readOften: pack.type === 'tree' });
    this.#index.namePack(pack.number, pack.id);
    await this.#indexWriter.addEncoded(pack.indexed, pack.blobs);
  }

  /** The first failure counts; all threads end at the next blob. */
  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#stop.abort();
    Atomics.store(this.#control, control.aborted, 1);
    for (const word of [control.published, control.done, control.waitingPacks, control.inbox, control.streamBytes])
      Atomics.notify(this.#control, word);
  }

  #reportProgress(): void {
    const counters = new Float64Array(this.#shared.counters);
    const event: HoldfastEvent = {
      type: 'progress',
      phase: 'backup',
      itemsDone: counters[counter.files] ?? 0,
      bytesDone: counters[counter.bytes] ?? 0,
    };
    this.#context.events(event);
  }
}

function failureOf(message: ThreadMessage & { type: 'failed' }, location: string): Error {
  if (message.code !== undefined) return new HoldfastError(message.code, message.details);
  // The threads' only writes are those of staging files.
  if (message.errno === 'ENOSPC' || message.errno === 'EDQUOT') return new HoldfastError('storage-full', { location }, message.message);
  return new HoldfastError('internal', { reason: message.message });
}

function addTotals(totals: readonly WriterTotals[]): WriterTotals {
  const sum = { blobs: 0, plain: 0, stored: 0 };
  for (const { blobs, plain, stored } of totals) {
    sum.blobs += blobs;
    sum.plain += plain;
    sum.stored += stored;
  }
  return sum;
}

/** Staging files that became no packs, because the run failed. */
async function removeStaged(prefix: string): Promise<void> {
  const folder = dirname(prefix);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (name.startsWith(basename(prefix))) await rm(`${folder}/${name}`, { force: true });
}
