/** A TCP way to a server that breaks in every way a network can. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WalProxy {
  readonly port: number;
  /** Ends all connections: in good order, or reset. */
  drop(how: 'close' | 'reset'): void;
  /** The connections that are open now are reset after this many more bytes from the server, in the middle of whatever that is. */
  cutAfter(bytes: number): void;
  /** For so long nothing gets through. */
  stall(milliseconds: number): Promise<void>;
  /** For so long every connection is reset. */
  refuse(milliseconds: number): Promise<void>;
  /** From now on nothing breaks. */
  heal(): void;
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes until it is cut. */
  left: number;
}

export async function startWalProxy(serverPort: number): Promise<WalProxy> {
  const pairs = new Set<Pair>();
  let refusing = false;
  let stalled = false;
  const reset = ({ client, server }: Pair): void => {
    client.resetAndDestroy();
    server.resetAndDestroy();
  };
  const listener = createServer((client) => {
    if (refusing) return void client.resetAndDestroy();
    const server = connect(serverPort, '127.0.0.1');
    const pair: Pair = { client, server, left: Number.POSITIVE_INFINITY };
    pairs.add(pair);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
    client.pipe(server);
    server.on('data', (chunk: Buffer) => {
      // What comes between the cut and the reset is lost: not a byte of it may follow what went through.
      if (pair.left < 0) return;
      const hasRoom = client.write(chunk.subarray(0, pair.left));
      pair.left -= chunk.length;
      if (pair.left < 0) return void setImmediate(() => reset(pair));
      if (hasRoom) return;
      server.pause();
      client.once('drain', () => stalled || server.resume());
    });
    server.on('end', () => client.end());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const resume = (): void => {
    stalled = false;
    for (const { client, server } of pairs) {
      client.resume();
      server.resume();
    }
  };
  return {
    port: address.port,
    drop: (how) => {
      for (const pair of pairs) {
        if (how === 'reset') reset(pair);
        else pair.server.end(() => pair.client.end());
      }
    },
    cutAfter: (bytes) => {
      for (const pair of pairs) pair.left = bytes;
    },
    stall: async (milliseconds) => {
      stalled = true;
      for (const { client, server } of pairs) {
        client.pause();
        server.pause();
      }
      await sleep(milliseconds);
      resume();
    },
    refuse: async (milliseconds) => {
      refusing = true;
      for (const pair of pairs) reset(pair);
      await sleep(milliseconds);
      refusing = false;
    },
    heal: () => {
      refusing = false;
      resume();
      for (const pair of pairs) pair.left = Number.POSITIVE_INFINITY;
    },
    stop: async () => {
      for (const pair of pairs) reset(pair);
      listener.close();
      await once(listener, 'close');
    },
  };
}
