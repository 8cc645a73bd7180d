import { blobSlots, control, jobSlots, type SharedState } from './shared-state.ts';

/** Ends a thread quietly when another has failed: the main thread knows why. */
export class BackupAborted extends Error {
  override readonly name = 'BackupAborted';
}

/** Throws BackupAborted when the run is over. */
export function assertRunning(shared: SharedState): void {
  if (Atomics.load(new Int32Array(shared.control), control.aborted) !== 0) throw new BackupAborted();
}

/** The engine thread's end of the queue: publishes jobs, and collects their hashes in order. */
export class JobPublisher {
  readonly #control: Int32Array;
  readonly #jobs: Int32Array;
  readonly #blobs: Uint32Array;
  readonly #hashes: Buffer;
  #published = 0;
  #collected = 0;
  #blobsAdded = 0;
  #blobsPublished = 0;
  #blobsCollected = 0;

  constructor(shared: SharedState) {
    this.#control = new Int32Array(shared.control);
    this.#jobs = new Int32Array(shared.jobs);
    this.#blobs = new Uint32Array(shared.blobs);
    this.#hashes = Buffer.from(shared.hashes);
  }

  get isIdle(): boolean {
    return this.#collected === this.#published;
  }

  /** True when neither a job nor a blob slot is free: collect before adding. */
  get isFull(): boolean {
    return this.#published - this.#collected >= jobSlots - 1 || this.#blobsAdded - this.#blobsCollected >= blobSlots - 1;
  }

  /** Adds a blob to the job that is being made. */
  add(address: number, length: number): void {
    const slot = (this.#blobsAdded % blobSlots) * 2;
    this.#blobs[slot] = address;
    this.#blobs[slot + 1] = length;
    this.#blobsAdded += 1;
  }

  /** Hands the job over to the workers. */
  publish(): void {
    const job = (this.#published % jobSlots) * 3;
    this.#jobs[job] = this.#blobsPublished % blobSlots;
    this.#jobs[job + 1] = this.#blobsAdded - this.#blobsPublished;
    Atomics.store(this.#jobs, job + 2, 0);
    this.#blobsPublished = this.#blobsAdded;
    this.#published += 1;
    Atomics.store(this.#control, control.published, this.#published);
    Atomics.notify(this.#control, control.published, 1);
  }

  /**
   * Takes the oldest job if it is finished and gives each of its hashes to `visit`. With `wait`, sleeps until it is.
   * Returns false when nothing was taken. Throws BackupAborted.
   */
  collect(wait: boolean, visit: (hash: string) => void): boolean {
    if (this.isIdle) return false;
    const job = (this.#collected % jobSlots) * 3;
    while (Atomics.load(this.#jobs, job + 2) === 0) {
      if (Atomics.load(this.#control, control.aborted) !== 0) throw new BackupAborted();
      if (!wait) return false;
      const seen = Atomics.load(this.#control, control.done);
      if (Atomics.load(this.#jobs, job + 2) === 0) Atomics.wait(this.#control, control.done, seen, 200);
    }
    const first = this.#jobs[job] ?? 0;
    const count = this.#jobs[job + 1] ?? 0;
    for (let i = 0; i < count; i++) {
      const at = ((first + i) % blobSlots) * 32;
      visit(this.#hashes.toString('hex', at, at + 32));
    }
    this.#collected += 1;
    this.#blobsCollected += count;
    return true;
  }

  /** Tells the workers that no more will come. */
  close(): void {
    Atomics.store(this.#control, control.closed, 1);
    Atomics.notify(this.#control, control.published);
  }
}

/** A worker's end of the queue. */
export class JobTaker {
  readonly #control: Int32Array;
  readonly #jobs: Int32Array;
  readonly #blobs: Uint32Array;
  readonly #hashes: Uint8Array;

  constructor(shared: SharedState) {
    this.#control = new Int32Array(shared.control);
    this.#jobs = new Int32Array(shared.jobs);
    this.#blobs = new Uint32Array(shared.blobs);
    this.#hashes = new Uint8Array(shared.hashes);
  }

  /** Works jobs off until the queue is closed and empty. `work` returns the blob's hash. Throws BackupAborted. */
  run(work: (address: number, length: number) => Uint8Array): void {
    for (let job = this.#take(); job >= 0; job = this.#take()) {
      const first = this.#jobs[job] ?? 0;
      const count = this.#jobs[job + 1] ?? 0;
      for (let i = 0; i < count; i++) {
        const slot = (first + i) % blobSlots;
        this.#hashes.set(work(this.#blobs[slot * 2] ?? 0, this.#blobs[slot * 2 + 1] ?? 0), slot * 32);
      }
      Atomics.store(this.#jobs, job + 2, 1);
      Atomics.add(this.#control, control.done, 1);
      Atomics.notify(this.#control, control.done);
    }
  }

  /** The place of a job that is now this worker's, or -1 when no more will come. */
  #take(): number {
    for (;;) {
      if (Atomics.load(this.#control, control.aborted) !== 0) throw new BackupAborted();
      const claimed = Atomics.load(this.#control, control.claimed);
      const published = Atomics.load(this.#control, control.published);
      if (claimed >= published) {
        if (Atomics.load(this.#control, control.closed) !== 0) return -1;
        Atomics.wait(this.#control, control.published, published, 200);
      } else if (Atomics.compareExchange(this.#control, control.claimed, claimed, claimed + 1) === claimed) {
        return (claimed % jobSlots) * 3;
      }
    }
  }
}
