/** Whether a tar is whole: the engine ends its answer in good order also where it stopped in the middle. */
import type { Readable } from 'node:stream';
import { HoldfastError, reasonOf } from '../../errors.ts';

/** A tar ends with two blocks of zeros. */
const endLength = 1024;

/** Passes a tar on. Throws `docker-failed` where it has no end or the connection broke. */
export async function* checkTarEnd(tar: Readable, action: string): AsyncGenerator<Uint8Array> {
  let end: Uint8Array = Buffer.alloc(0);
  try {
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      end = chunk.length >= endLength ? chunk.subarray(chunk.length - endLength) : Buffer.concat([end, chunk]).subarray(-endLength);
      end = Buffer.from(end);
      yield chunk;
    }
  } catch (error) {
    throw new HoldfastError('docker-failed', { action, reason: reasonOf(error) }, error);
  } finally {
    tar.destroy();
  }
  if (end.length < endLength || end.some((byte) => byte !== 0))
    throw new HoldfastError('docker-failed', { action, reason: 'the archive ended in the middle' });
}
