/** Threads that verify packs, as many as there are processors. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { VerifyAnswer, VerifyRequest, VerifyStart } from './verify-worker.ts';

const mostThreads = 8;

export class PackVerifiers {
  readonly threads = Math.min(availableParallelism(), mostThreads);
  readonly #masterKey: MasterKey;
  readonly #idle: Worker[] = [];
  readonly #all: Worker[] = [];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  constructor(masterKey: MasterKey) {
    this.#masterKey = masterKey;
  }

  /** Waits for a free thread. Bytes given as content are handed over and are the caller's no more. */
  async verify(request: VerifyRequest): Promise<VerifyAnswer> {
    const worker = await this.#take();
    try {
      const { content } = request;
      const stop = new AbortController();
      const handOver =
        typeof content !== 'string' && content.buffer instanceof ArrayBuffer && content.byteLength === content.buffer.byteLength
          ? [content.buffer]
          : [];
      worker.postMessage(request, handOver);
      const exited = once(worker, 'exit', { signal: stop.signal }).then(() => {
        throw new Error('its thread has ended');
      });
      exited.catch(() => {});
      // `once` rejects on an error of the thread.
      const message = once(worker, 'message', { signal: stop.signal });
      message.catch(() => {});
      const [answer] = (await Promise.race([message, exited])) as [VerifyAnswer];
      stop.abort();
      return answer;
    } catch (error) {
      throw new HoldfastError('internal', { reason: `the check of pack ${request.pack} broke off: ${reasonOf(error)}` }, error);
    } finally {
      this.#give(worker);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }

  #take(): Promise<Worker> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    if (this.#all.length < this.threads) {
      const workerData: VerifyStart = { masterKey: this.#masterKey };
      const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), { workerData });
      worker.on('error', () => {}); // whoever waits for its answer is told
      this.#all.push(worker);
      return Promise.resolve(worker);
    }
    const { promise, resolve } = Promise.withResolvers<Worker>();
    this.#waiting.push(resolve);
    return promise;
  }

  #give(worker: Worker): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(worker);
    else next(worker);
  }
}
