import type { Readable } from 'node:stream';
import { releaseBuffer } from '../../util/release-buffer.ts';

/**
 * The bytes of a body whose size was announced, in memory of their own; fewer where it ends before. Throws what the stream throws, and
 * an error where more come.
 */
export async function readBody(stream: Readable, size: number): Promise<Uint8Array> {
  const data = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  let done = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    if (done + chunk.length > size) throw new Error('more bytes came than were announced');
    data.set(chunk, done);
    done += chunk.length;
    releaseBuffer(chunk);
  }
  return data.subarray(0, done);
}

/** The text of an answer. Throws where it is longer than any that is honest. */
export async function readText(stream: Readable, longest: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > longest) throw new Error(`the answer is longer than ${longest} bytes`);
    pieces.push(chunk);
  }
  return Buffer.concat(pieces).toString('utf8');
}
