/** Our own REST server, in the process of a test. */
import { createRestServer, type RestServerOptions } from '../../../src/server/rest/rest-server.ts';

export interface OwnRestServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts it on a free port of this machine. */
export async function startOwnRestServer(options: Omit<RestServerOptions, 'events'>): Promise<OwnRestServer> {
  const server = createRestServer({ ...options, events: () => {} });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { port, stop: () => server.close() };
}
