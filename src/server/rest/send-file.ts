import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { answer } from './answer.ts';
import { parseSpan } from './byte-span.ts';

/* Non-blocking, because opening a FIFO that somebody put there would wait for ever. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/** Answers GET and HEAD with a file, or the part of it that is asked for. */
export async function sendFile(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const file = await open(path, openFlags).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  });
  if (file === undefined) return answer(response, 404);
  try {
    const info = await file.stat();
    if (!info.isFile()) return answer(response, 404);
    const span = parseSpan(request.headers.range, info.size);
    if (span === 'outside') {
      response.setHeader('Content-Range', `bytes */${info.size}`);
      return answer(response, 416);
    }
    const [start, end] = span === undefined ? [0, info.size - 1] : [span.first, span.last];
    response.writeHead(span === undefined ? 200 : 206, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': end - start + 1,
      'Accept-Ranges': 'bytes',
      ...(span === undefined ? {} : { 'Content-Range': `bytes ${start}-${end}/${info.size}` }),
    });
    if (request.method === 'HEAD' || end < start) response.end();
    else await pipeline(file.createReadStream({ start, end, autoClose: false }), response);
  } finally {
    await file.close();
  }
  return undefined;
}
