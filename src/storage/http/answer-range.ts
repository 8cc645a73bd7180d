/** Ranges of objects over HTTP, for drivers whose server answers with Content-Range. */
import { assertRange, resolveRange } from '../byte-range.ts';
import { throwIfInterrupted } from '../interruption.ts';
import type { ByteRange } from '../storage.ts';

export interface RangeRequest {
  readonly key: string;
  readonly location: string;
  readonly range: ByteRange | undefined;
  readonly signal: AbortSignal | undefined;
  /** The size of the whole object. */
  readonly measure: () => Promise<number>;
  readonly download: () => Promise<Uint8Array>;
}

/** As `Storage.get`: no range of HTTP is empty, so nothing is asked for but the size where one is. Throws `storage-short`, and what the calls throw. */
export async function readRange({ key, location, range, signal, measure, download }: RangeRequest): Promise<Uint8Array> {
  throwIfInterrupted(signal);
  assertRange(range, key);
  if (range?.length !== 0) return download();
  resolveRange(range, await measure(), key, location);
  return new Uint8Array(0);
}

/**
 * Bytes of the whole object, by an answer that is a part of it, or all of it where the server did as if no range had been asked for. Throws a plain
 * error where the answer does not say.
 */
export function totalOf(contentRange: string | undefined, contentLength: string | number | undefined): number {
  const total = Number(/\/(\d+)$/.exec(contentRange ?? '')?.[1] ?? contentLength);
  if (!Number.isSafeInteger(total)) throw new Error('the server does not tell the size');
  return total;
}
