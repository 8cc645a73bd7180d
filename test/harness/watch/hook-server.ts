/** A small HTTP server that keeps what it is sent. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

export interface HookRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HookServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** In the order in which they came. */
  readonly requests: HookRequest[];
  stop(): Promise<void>;
}

/** @param answer status and body for a request; 200 and nothing unless said otherwise */
export async function startHookServer(answer: (request: HookRequest) => readonly [number, string] = () => [200, '']): Promise<HookServer> {
  const requests: HookRequest[] = [];
  const server = createServer((request, response) => {
    void read(request).then((read) => {
      requests.push(read);
      const [status, body] = answer(read);
      response.writeHead(status).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port was expected');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(request: IncomingMessage): Promise<HookRequest> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
}
