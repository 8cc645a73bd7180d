/** The threads of one restore, and what is heard from them. */
import { Worker } from 'node:worker_threads';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import type { Repository } from '../repository.ts';
import type { SharedSchedule } from './blob-schedule.ts';
import { EntryPaths } from './entry-paths.ts';
import {
  controlBytesDone,
  controlItemsDone,
  controlNextFile,
  controlSize,
  controlStop,
  type LocalPacks,
  type WorkerReport,
  type WorkerSetup,
  type WorkerTask,
} from './restore-messages.ts';
import type { RestorePlan } from './restore-plan.ts';
import type { RestoreContext } from './restore-request.ts';

export interface CrewOptions extends RestoreContext {
  /** Threads. */
  readonly size: number;
}

/** Contents in the order of the schedule, `from` included, `to` not. */
interface ContentRange {
  readonly from: number;
  readonly to: number;
}

interface Member {
  readonly worker: Worker;
  busy: PromiseWithResolvers<void> | undefined;
}

const progressMilliseconds = 250;
/** A worker makes little garbage that lives: a small nursery keeps its memory low. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

export class RestoreCrew {
  /** Contents whose blobs could not be read where the index says. */
  readonly unreadable: ContentRange[] = [];
  /** Files that were read again and are not right. */
  readonly different = new Map<number, string>();
  problems = 0;
  readonly #events: EventSink;
  readonly #signal: AbortSignal;
  readonly #target: string;
  readonly #paths: EntryPaths;
  readonly #control = new SharedArrayBuffer(controlSize);
  readonly #words = new Int32Array(this.#control);
  readonly #bytes = new BigInt64Array(this.#control);
  readonly #members: readonly Member[];
  #failure: HoldfastError | undefined;

  constructor(repository: Repository, plan: Pick<RestorePlan, 'table' | 'index' | 'target' | 'request'>, options: CrewOptions) {
    this.#events = options.events;
    this.#signal = options.signal;
    this.#target = plan.target;
    this.#paths = new EntryPaths(plan.table, plan.target);
    const setup: WorkerSetup = {
      masterKey: repository.masterKey,
      index: plan.index.shared,
      table: plan.table.shared,
      control: this.#control,
      target: plan.target,
      owners: plan.request.owners ?? process.geteuid?.() === 0,
      sparse: plan.request.sparse ?? true,
      umask: process.umask(),
    };
    this.#members = Array.from({ length: Math.max(1, options.size) }, () => this.#hire(setup));
    this.#signal.addEventListener('abort', this.#stop, { once: true });
    if (this.#signal.aborted) this.#stop();
  }

  get size(): number {
    return this.#members.length;
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, controlStop) !== 0;
  }

  /** Has every thread compare or verify files until all are done. */
  async checkFiles(kind: 'compare' | 'verify', files: readonly number[], bytesTotal: number): Promise<void> {
    const shared = new SharedArrayBuffer(files.length * 4);
    new Uint32Array(shared).set(files);
    Atomics.store(this.#words, controlNextFile, 0);
    this.#resetProgress();
    await this.withProgress(kind, files.length, bytesTotal, () => this.#all({ do: kind, files: shared }));
    this.throwIfStopped();
  }

  /** Hands the schedule out. Where packs are files of this machine the threads also do all its jobs. */
  async write(schedule: SharedSchedule, packs: LocalPacks | undefined): Promise<void> {
    await this.#all({ do: 'write', schedule, packs });
  }

  async finish(): Promise<void> {
    await this.#all({ do: 'finish' });
  }

  /** Gives one task to a thread and resolves when that is done. Not for more tasks at a time than there are threads. */
  async give(task: WorkerTask): Promise<void> {
    const member = this.#members.find(({ busy }) => busy === undefined);
    if (member === undefined) throw new HoldfastError('internal', { reason: 'a restore gave out more work than it has threads' });
    await this.#post(member, task);
  }

  /** Tells how far things are while the work goes on. */
  async withProgress(phase: string, itemsTotal: number, bytesTotal: number, work: () => Promise<void>): Promise<void> {
    const tell = (): void =>
      this.#events({
        type: 'progress',
        phase,
        itemsDone: Atomics.load(this.#words, controlItemsDone),
        itemsTotal,
        bytesDone: Number(Atomics.load(this.#bytes, controlBytesDone)),
        bytesTotal,
      });
    this.#events({ type: 'phase', phase });
    const timer = setInterval(tell, progressMilliseconds);
    try {
      await work();
      tell();
    } finally {
      clearInterval(timer);
    }
  }

  tellProblem(entry: number, reason: string): void {
    this.problems += 1;
    this.#events({ type: 'problem', path: this.#paths.of(entry), reason });
  }

  throwIfStopped(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#signal.aborted) throw new HoldfastError('interrupted');
  }

  /** Lets the threads end what they are at, and waits for them. */
  async close(): Promise<void> {
    this.#stop();
    this.#signal.removeEventListener('abort', this.#stop);
    await Promise.all(
      this.#members.map(async ({ worker, busy }) => {
        await busy?.promise.catch(() => {});
        await worker.terminate();
      }),
    );
  }

  readonly #stop = (): void => void Atomics.store(this.#words, controlStop, 1);

  #resetProgress(): void {
    Atomics.store(this.#words, controlItemsDone, 0);
    Atomics.store(this.#bytes, controlBytesDone, 0n);
  }

  async #all(task: WorkerTask): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#post(member, task)));
  }

  #post(member: Member, task: WorkerTask): Promise<void> {
    const busy = Promise.withResolvers<void>();
    busy.promise.catch(() => {}); // whoever awaits it hears of it; nobody may be
    member.busy = busy;
    member.worker.postMessage(task, task.do === 'job' || task.do === 'content' ? transferable(task.bytes) : []);
    return busy.promise;
  }

  #hire(setup: WorkerSetup): Member {
    const worker = new Worker(new URL('./restore-worker.ts', import.meta.url), { workerData: setup, resourceLimits });
    const member: Member = { worker, busy: undefined };
    worker.on('message', (report: WorkerReport) => this.#hear(member, report));
    const lose = (error: unknown): void => {
      this.#failure ??= new HoldfastError('internal', { reason: `a restoring thread failed: ${reasonOf(error)}` }, error);
      this.#stop();
      member.busy?.reject(this.#failure);
    };
    worker.on('error', lose);
    worker.on('exit', () => {
      if (member.busy !== undefined) lose(new Error('it ended in the middle of its work'));
    });
    return member;
  }

  #hear(member: Member, report: WorkerReport): void {
    switch (report.is) {
      case 'free':
        member.busy?.resolve();
        member.busy = undefined;
        return;
      case 'problem':
        return this.tellProblem(report.entry, report.reason);
      case 'unreadable':
        this.unreadable.push({ from: report.from, to: report.to });
        return;
      case 'different':
        this.different.set(report.entry, report.reason);
        return;
      case 'stuck':
        this.#failure ??= stuckError(this.#target, report.code, report.reason);
        this.#stop();
        return;
      default:
        return report satisfies never;
    }
  }
}

/** What stands for itself in memory can be handed over; a part of something larger has to be copied. */
function transferable(bytes: Uint8Array): ArrayBuffer[] {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : [];
}

function stuckError(target: string, code: string, reason: string): HoldfastError {
  if (code === 'ENOSPC') return new HoldfastError('target-full', { path: target, reason: 'the disk is full' });
  if (code === 'EDQUOT') return new HoldfastError('target-full', { path: target, reason: 'the quota is used up' });
  return new HoldfastError('target-unusable', { path: target, reason });
}
