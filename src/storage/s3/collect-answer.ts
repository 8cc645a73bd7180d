import { Readable } from 'node:stream';

/* A page of a listing with a thousand of the longest names is a tenth of this. */
const longestAnswer = 32 * 2 ** 20;

/** The whole of an answer that is no object: lists and errors. One that does not end does not fill the memory. */
export async function collectAnswer(body: unknown): Promise<Uint8Array> {
  if (!(body instanceof Readable)) throw new TypeError('the answer has no body');
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > longestAnswer) throw new Error('the answer does not end');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
