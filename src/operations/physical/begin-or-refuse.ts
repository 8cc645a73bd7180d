/** Whether a server makes the increment that it was asked for is only known when it begins to send one. */
import { isError, type ErrorCode } from '../../errors.ts';
import type { StreamCapture, StreamEntry } from '../../sources/source.ts';

/** Summaries of the log that are missing, unreadable or damaged; whatever else is wrong with the server, another base backup meets again. */
const refusals: readonly ErrorCode[] = ['base-increment', 'base-damaged', 'replication-failed'];

/** Pulls the first entry: the capture with it, or why the server refused. Throws everything else. */
export async function beginOrRefuse(capture: StreamCapture): Promise<StreamCapture | { readonly refusal: unknown }> {
  const iterator = capture.entries[Symbol.asyncIterator]();
  let first: IteratorResult<StreamEntry>;
  try {
    first = await iterator.next();
  } catch (error) {
    if (refusals.some((code) => isError(error, code))) return { refusal: error };
    throw error;
  }
  let isFirst = true;
  const next = (): Promise<IteratorResult<StreamEntry>> => {
    if (!isFirst) return iterator.next();
    isFirst = false;
    return Promise.resolve(first);
  };
  const end = async (): Promise<IteratorResult<StreamEntry>> => {
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  return { ...capture, entries: { [Symbol.asyncIterator]: () => ({ next, return: end }) } };
}
