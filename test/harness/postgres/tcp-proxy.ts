/** A way to a server that can break: a port whose connections lead to the server's, cut where a test wants it. */
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** From now on, each connection is cut after so many more bytes from the server: closed in good order, or reset. */
  cutAfter(bytes: number, how: 'close' | 'reset'): void;
  /** Passes nothing on any more, in either direction, and breaks nothing: a cable that was pulled. */
  freeze(frozen: boolean): void;
  /** Resets every connection there is. */
  resetAll(): void;
  stop(): Promise<void>;
}

export async function startTcpProxy(serverPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let left = Number.POSITIVE_INFINITY;
  let how: 'close' | 'reset' = 'close';
  let isFrozen = false;
  const proxy = createServer((client) => {
    const server = connect(serverPort, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    const pass = (from: Socket, to: Socket, bytes: Buffer): void => {
      if (isFrozen) return;
      if (to.write(bytes)) return;
      from.pause();
      to.once('drain', () => from.resume());
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    client.on('data', (bytes: Buffer) => pass(client, server, bytes));
    server.on('data', (bytes: Buffer) => {
      if (bytes.length <= left) {
        left -= bytes.length;
        pass(server, client, bytes);
      } else if (how === 'reset') {
        client.resetAndDestroy();
        end();
      } else {
        client.end(bytes.subarray(0, left));
        server.destroy();
      }
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  const resetAll = (): void => {
    for (const [client, server] of pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  };
  return {
    port: address.port,
    cutAfter: (bytes, manner) => {
      left = bytes;
      how = manner;
    },
    freeze: (frozen) => (isFrozen = frozen),
    resetAll,
    stop: async () => {
      resetAll();
      const closed = once(proxy, 'close');
      proxy.close();
      await closed;
    },
  };
}
