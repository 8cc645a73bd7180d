/**
 * The threads of a backup and the memory they share. To start them costs more than to save a small component, so those of a run that ended well do the
 * next one too, where it comes soon.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { createKernelMemory } from '../kernels/kernels.ts';
import { memorySize } from './shared-state.ts';

/** More workers than this would outrun any disk, and each has its buffers. */
const mostWorkers = 16;
/** How many milliseconds threads without work are kept: longer than an application's components are apart, too short to be met at rest. */
const idleTime = 3000;
/** Nearly all a thread makes is garbage at once; a small young generation keeps it from piling up. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

/** The crew that waits for work, if any. */
let idle: { readonly crew: Crew; readonly timer: NodeJS.Timeout } | undefined;

/** The threads for one run. Where it ended well `releaseCrew` keeps them for the next; where it did not, end them. */
export function takeCrew(): Crew {
  const waiting = idle;
  idle = undefined;
  clearTimeout(waiting?.timer);
  if (waiting === undefined || waiting.crew.isBroken) return new Crew();
  waiting.crew.holdProcess(true);
  return waiting.crew;
}

/** For the next run, for a while; the process may end meanwhile. Every thread has said that its run is over. */
export function releaseCrew(crew: Crew): void {
  if (crew.isBroken || idle !== undefined) return void crew.end();
  const timer = setTimeout(() => {
    idle = undefined;
    void crew.end();
  }, idleTime);
  idle = { crew, timer: timer.unref() };
  crew.holdProcess(false);
}

export class Crew {
  readonly workers = Math.min(mostWorkers, Math.max(2, availableParallelism()));
  readonly memory = createKernelMemory(memorySize(this.workers + 1));
  /** Loads its modules while the caller still reads the index. */
  readonly engine = this.#start(new Worker(new URL('./engine-thread.ts', import.meta.url), { resourceLimits }));
  readonly #blobWorkers: Worker[] = [];
  #isBroken = false;

  /** True when a thread has ended. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** One of the workers, 0…; started where it has not been before. */
  blobWorker(number: number): Worker {
    return (this.#blobWorkers[number] ??= this.#start(new Worker(new URL('./blob-worker.ts', import.meta.url), { resourceLimits })));
  }

  /** Whether the threads keep the process alive, as they do at first. */
  holdProcess(held: boolean): void {
    for (const thread of this.#threads) {
      if (held) thread.ref();
      else thread.unref();
    }
  }

  /** Ends the threads, whatever they are at. */
  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  get #threads(): readonly Worker[] {
    return [this.engine, ...this.#blobWorkers];
  }

  /* What fails in a run is heard by the run as well. */
  #start(thread: Worker): Worker {
    const mark = (): void => void (this.#isBroken = true);
    return thread.on('error', mark).on('exit', mark);
  }
}
