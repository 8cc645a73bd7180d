/** Has the HTTP interface listen, and stop. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { AppEnvironment } from './app.ts';
import type { Authority } from './auth.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface Listening {
  /** Where it listens: the port where 0 was asked for. */
  readonly address: ListenAddress;
  /** Takes no more requests, and resolves when those under way are answered, or a while has passed. */
  close(): Promise<void>;
}

const patienceMs = 3000;
const limits = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5000, maxHeaderSize: 16 * 1024 };
const mostConnections = 200;

/** Throws `server-setup`: for an address that others can reach while there are no tokens, or that cannot be listened on. */
export async function listen(app: Hono<AppEnvironment>, { host, port }: ListenAddress, authority: Authority): Promise<Listening> {
  if (!authority.hasTokens && !isLoopback(host))
    throw new HoldfastError('server-setup', {
      what: `on ${host}:${port}`,
      reason: 'others can reach this address, and there are no tokens',
      help: 'Listen on 127.0.0.1, or name tokens under serve.tokens in holdfast.yaml',
    });
  const answer = getRequestListener(app.fetch);
  const server = createServer(limits, (request, response) => void answer(request, response));
  server.maxConnections = mostConnections;
  server.on('clientError', (_, socket) => socket.destroy());
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    const what = `on ${host}:${port}`;
    throw new HoldfastError('server-setup', { what, reason: reasonOf(error), help: 'Choose another address with --listen' }, error);
  }
  const bound = server.address();
  return { address: { host, port: typeof bound === 'object' && bound !== null ? bound.port : port }, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const giveUp = setTimeout(() => server.closeAllConnections(), patienceMs);
  await closed;
  clearTimeout(giveUp);
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);
}
