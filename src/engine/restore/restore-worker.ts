/** A thread of a restore: reads packs, opens blobs, writes files. It takes jobs by counting a shared number up, so nobody has to hand them out. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { releaseBuffer } from '../../util/release-buffer.ts';
import { BlobIndex } from '../index/blob-index.ts';
import { keyOf } from '../layout.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import { rangeOf, type JobRange, type SharedSchedule } from './blob-schedule.ts';
import { FileChecker } from './check-files.ts';
import { EntryMetadata } from './entry-metadata.ts';
import { EntryPaths } from './entry-paths.ts';
import { EntryTable } from './entry-table.ts';
import { FileWriter, WriterStuckError } from './file-writer.ts';
import {
  controlBytesDone,
  controlItemsDone,
  controlNextFile,
  controlNextJob,
  controlNextQuiet,
  controlStop,
  type LocalPacks,
  type WorkerReport,
  type WorkerSetup,
  type WorkerTask,
} from './restore-messages.ts';

const filesAtOnce = 64;

class RestoreWorker {
  readonly #index: BlobIndex;
  readonly #table: EntryTable;
  readonly #control: Int32Array;
  readonly #bytesDone: BigInt64Array;
  readonly #opener: BlobOpener;
  readonly #writer: FileWriter;
  readonly #checker: FileChecker;
  readonly #send: (report: WorkerReport) => void;
  #order: Uint32Array = new Uint32Array(0);
  #packs: LocalPacks | undefined;
  #pack = { number: -1, fd: -1 };

  constructor(setup: WorkerSetup, send: (report: WorkerReport) => void) {
    this.#send = send;
    this.#index = new BlobIndex(setup.index);
    this.#table = new EntryTable(setup.table, true);
    this.#control = new Int32Array(setup.control);
    this.#bytesDone = new BigInt64Array(setup.control);
    this.#opener = new BlobOpener(setup.masterKey);
    const paths = new EntryPaths(this.#table, setup.target);
    const tell = (entry: number, reason: string): void => send({ is: 'problem', entry, reason });
    const metadata = new EntryMetadata(this.#table, setup, tell);
    const finished = (): void => void Atomics.add(this.#control, controlItemsDone, 1);
    this.#writer = new FileWriter({ table: this.#table, paths, metadata, tell, finished, sparse: setup.sparse });
    this.#checker = new FileChecker(this.#table, this.#index, paths);
  }

  perform(task: WorkerTask): void {
    try {
      this.#do(task);
    } catch (error) {
      if (!(error instanceof WriterStuckError)) throw error;
      Atomics.store(this.#control, controlStop, 1);
      this.#send({ is: 'stuck', entry: error.entry, code: error.code, reason: error.message });
    }
    this.#send({ is: 'free' });
  }

  #do(task: WorkerTask): void {
    switch (task.do) {
      case 'write':
        this.#order = new Uint32Array(task.schedule.order);
        this.#packs = task.packs;
        this.#writeQuiet(new Uint32Array(task.schedule.quiet));
        if (task.packs !== undefined) this.#writeJobs(task.schedule);
        return;
      case 'job':
        this.#openFetched(task.from, task.to, task.bytes);
        return releaseBuffer(task.bytes);
      case 'content':
        return this.#writeContent(task.from, task.to, task.bytes);
      case 'finish':
        this.#closePack();
        return this.#writer.closeAll();
      case 'compare':
      case 'verify':
        return this.#check(task.do, new Uint32Array(task.files));
      default:
        return task satisfies never;
    }
  }

  #writeQuiet(quiet: Uint32Array): void {
    for (;;) {
      const from = Atomics.add(this.#control, controlNextQuiet, filesAtOnce);
      if (from >= quiet.length || this.#stopped()) return;
      for (const entry of quiet.subarray(from, from + filesAtOnce)) this.#writer.writeQuiet(entry);
    }
  }

  #writeJobs(schedule: SharedSchedule): void {
    const jobs = new Uint32Array(schedule.jobs);
    for (;;) {
      const job = Atomics.add(this.#control, controlNextJob, 1);
      const [from, to] = [jobs[job], jobs[job + 1]];
      if (from === undefined || to === undefined || this.#stopped()) return;
      this.#openRead(from, to);
    }
  }

  /** A job whose bytes are read from a pack on this machine at once, to where they are opened. */
  #openRead(from: number, to: number): void {
    const range = rangeOf(this.#order, from, to, this.#table, this.#index);
    try {
      this.#readPack(range, this.#opener.input(range.length));
    } catch {
      return this.#send({ is: 'unreadable', from, to });
    }
    return this.#openBlobs(from, to, (blob) => this.#open(blob, this.#index.offsetOf(blob) - range.offset));
  }

  /** A job whose bytes were fetched: as long as a pack, so one blob after the other is brought to where it is opened. */
  #openFetched(from: number, to: number, bytes: Uint8Array): void {
    const index = this.#index;
    const { offset } = rangeOf(this.#order, from, to, this.#table, index);
    this.#openBlobs(from, to, (blob) => {
      const at = index.offsetOf(blob) - offset;
      const length = index.lengthOf(blob);
      this.#opener.input(length).set(bytes.subarray(at, at + length));
      return this.#open(blob, 0);
    });
  }

  /** Opens blob after blob. What cannot be opened is reported, for another copy to be looked for. */
  #openBlobs(from: number, to: number, open: (blob: number) => Uint8Array): void {
    for (let at = from; at < to && !this.#stopped();) {
      const blob = this.#blobAt(at);
      let next = at + 1;
      while (next < to && this.#blobAt(next) === blob) next += 1;
      let content: Uint8Array | undefined;
      try {
        content = open(blob);
      } catch {
        this.#send({ is: 'unreadable', from: at, to: next });
      }
      if (content !== undefined) this.#writeContent(at, next, content);
      at = next;
    }
  }

  #open(blob: number, at: number): Uint8Array {
    const index = this.#index;
    return this.#opener.open(index.idOf(blob), at, index.lengthOf(blob), index.uncompressedLengthOf(blob));
  }

  /** One blob's content to all its places. */
  #writeContent(from: number, to: number, bytes: Uint8Array): void {
    for (let at = from; at < to; at++) {
      const content = this.#order[at] ?? 0;
      this.#writer.write(this.#table.files[content] ?? 0, bytes, this.#table.offsets[content] ?? 0);
    }
    Atomics.add(this.#bytesDone, controlBytesDone, BigInt(bytes.length * (to - from)));
  }

  #readPack({ pack, offset, length }: JobRange, input: Uint8Array): void {
    if (this.#pack.number !== pack) {
      this.#closePack();
      const id = Buffer.from(this.#packs?.ids ?? new SharedArrayBuffer(0), pack * 32, 32).toString('hex');
      this.#pack = { number: pack, fd: openSync((this.#packs?.prefix ?? '') + keyOf('pack', id), 'r') };
    }
    for (let at = 0; at < length;) {
      const count = readSync(this.#pack.fd, input, at, length - at, offset + at);
      if (count === 0) throw new Error('the pack is shorter than its index says');
      at += count;
    }
  }

  #closePack(): void {
    if (this.#pack.fd >= 0) closeSync(this.#pack.fd);
    this.#pack = { number: -1, fd: -1 };
  }

  #check(kind: 'compare' | 'verify', files: Uint32Array): void {
    for (;;) {
      const at = Atomics.add(this.#control, controlNextFile, 1);
      const file = files[at];
      if (file === undefined || this.#stopped()) return;
      if (kind === 'compare') this.#checker.compare(file);
      else {
        const reason = this.#checker.verify(file);
        if (reason !== undefined) this.#send({ is: 'different', entry: file, reason });
      }
      Atomics.add(this.#control, controlItemsDone, 1);
      Atomics.add(this.#bytesDone, controlBytesDone, BigInt(this.#table.sizeOf(file)));
    }
  }

  #blobAt(at: number): number {
    return this.#table.blobs[this.#order[at] ?? 0] ?? 0;
  }

  #stopped(): boolean {
    return Atomics.load(this.#control, controlStop) !== 0;
  }
}

const port = parentPort;
if (port !== null) {
  // Sent by restore-crew.ts and nobody else.
  const worker = new RestoreWorker(workerData as WorkerSetup, (report) => port.postMessage(report));
  port.on('message', (task: WorkerTask) => worker.perform(task));
}
