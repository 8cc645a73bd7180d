/** Threads that read files again: to compare their checksums, to compute new ones, and to make them durable on the way. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HoldfastError, reasonOf } from '../../../errors.ts';
import type { ChecksumAlgorithm } from './server-manifest.ts';

export interface FileToCheck {
  /** Absolute. */
  readonly path: string;
  readonly algorithm: ChecksumAlgorithm;
}

export interface CheckedFile {
  readonly size: number;
  /** In hexadecimal; empty for NONE. */
  readonly checksum: string;
}

/** What a thread answers: what it found, or why it could not read. */
export type CheckAnswer = readonly (CheckedFile | { readonly failure: string })[];

const mostThreads = 4;
/** Files handed over at once. */
const batchSize = 32;

/** Reads, syncs and tells each file's size and checksum, in no order. Throws `base-mismatch` for one that cannot be read as a regular file, `interrupted`. */
export async function* checkFiles<File extends FileToCheck>(
  files: Iterable<File>,
  target: string,
  signal: AbortSignal,
): AsyncGenerator<readonly [File, CheckedFile], void, undefined> {
  const queue = files[Symbol.iterator]();
  const workers = Array.from({ length: Math.min(mostThreads, availableParallelism()) }, () => {
    const worker = new Worker(new URL('./checksum-worker.ts', import.meta.url));
    worker.on('error', () => {}); // whoever waits for its answer is told
    worker.once('exit', () => worker.emit('error', new Error('its thread has ended')));
    return worker;
  });
  const ask = async (worker: Worker): Promise<{ readonly batch: readonly File[]; readonly answer: CheckAnswer } | undefined> => {
    const batch = takeBatch(queue);
    if (batch.length === 0) return undefined;
    worker.postMessage(batch.map(({ path, algorithm }) => ({ path, algorithm })));
    // What checksum-worker.ts posts is what the interface says.
    const [answer] = (await once(worker, 'message', { signal })) as [CheckAnswer];
    return { batch, answer };
  };
  try {
    const running = new Map<Worker, ReturnType<typeof ask>>();
    const start = (worker: Worker): void => {
      const work = ask(worker);
      work.catch(() => {}); // it is awaited, but not before the others have been looked at
      running.set(worker, work);
    };
    workers.forEach(start);
    while (running.size > 0) {
      const [worker, done] = await Promise.race([...running].map(async ([each, work]) => [each, await work] as const));
      if (done === undefined) {
        running.delete(worker);
        continue;
      }
      start(worker);
      for (const [at, file] of done.batch.entries()) {
        const found = done.answer[at] ?? { failure: 'its thread told nothing' };
        if ('failure' in found)
          throw new HoldfastError('base-mismatch', { path: target, reason: `${file.path} cannot be read: ${found.failure}` });
        yield [file, found];
      }
    }
  } catch (error) {
    if (signal.aborted) throw new HoldfastError('interrupted', {}, error);
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('internal', { reason: `reading files again broke off: ${reasonOf(error)}` }, error);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function takeBatch<File>(queue: Iterator<File>): File[] {
  const batch: File[] = [];
  while (batch.length < batchSize) {
    const next = queue.next();
    if (next.done === true) break;
    batch.push(next.value);
  }
  return batch;
}
