/** Writing to a command's stdin. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

/** Writes some bytes and waits while the other side is behind. Throws when it takes no more. */
export async function writeToSocket(socket: Socket, bytes: Uint8Array): Promise<void> {
  /* A write to a connection that was closed drops what has not been read from it yet: read first. */
  await turn();
  if (!socket.writable) throw new Error('the connection is closed');
  if (socket.write(bytes)) return;
  const waiting = new AbortController();
  try {
    await Promise.race([once(socket, 'drain', { signal: waiting.signal }), once(socket, 'close', { signal: waiting.signal })]);
  } finally {
    waiting.abort();
  }
  if (!socket.writable) throw new Error('the connection is closed');
}

/**
 * Writes all of an input and then closes stdin. What the input threw, where it did; then stdin is left open. A command that stops reading is
 * judged by its exit status.
 */
export async function feedSocket(socket: Socket, input: AsyncIterable<Uint8Array>): Promise<Error | undefined> {
  const iterator = input[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array, unknown>;
    try {
      next = await iterator.next();
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    if (next.done === true) break;
    try {
      await writeToSocket(socket, next.value);
    } catch {
      await iterator.return?.().catch(() => {});
      return undefined;
    }
  }
  socket.end();
  return undefined;
}
