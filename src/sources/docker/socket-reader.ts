/** Reads a socket without losing what had arrived before it broke, which a stream's own iterator throws away. */
import type { Socket } from 'node:net';

export interface SocketReader {
  /** The next bytes, or undefined at the end. Throws what broke the connection, after everything that came before. */
  next(): Promise<Buffer | undefined>;
  /** Drops what came and what comes, as fast as it comes; `next` then throws once the connection has ended. */
  discard(): void;
}

/* Enough for the engine to keep writing while the last bytes are worked on. */
const highWater = 256 * 1024;

export function readSocket(socket: Socket): SocketReader {
  const queue: Buffer[] = [];
  let queued = 0;
  let end: { readonly error?: Error } | undefined;
  let isDiscarding = false;
  let wake: (() => void) | undefined;
  const finish = (error?: Error): void => {
    end ??= error === undefined ? {} : { error };
    wake?.();
  };
  socket.on('data', (chunk: Buffer) => {
    if (isDiscarding) return;
    queue.push(chunk);
    queued += chunk.length;
    if (queued >= highWater) socket.pause();
    wake?.();
  });
  socket.on('end', () => finish());
  socket.on('error', (error) => finish(error));
  socket.on('close', () => finish(new Error('the connection was closed')));
  return {
    discard: () => {
      isDiscarding = true;
      queue.length = 0;
      socket.resume();
    },
    next: async () => {
      for (;;) {
        const chunk = queue.shift();
        if (chunk !== undefined) {
          queued -= chunk.length;
          if (queued < highWater && socket.isPaused() && !isDiscarding) socket.resume();
          return chunk;
        }
        if (end !== undefined && isDiscarding) throw new Error('the rest was not wanted');
        if (end?.error !== undefined) throw end.error;
        if (end !== undefined) return undefined;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
