/** An HTTP way to a server that counts what passes. Host headers stay as they are, so that signatures fit. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';

export interface RequestCounter {
  readonly port: number;
  /** Requests since the last time this was asked. */
  take(): number;
  close(): Promise<void>;
}

export async function countRequests(serverPort: number): Promise<RequestCounter> {
  let requests = 0;
  const server = createServer((incoming, answer) => {
    requests += 1;
    const { method, url, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port: serverPort, method, path: url, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.on('error', () => onward.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot count requests: there is no port.');
  return {
    port: address.port,
    take: () => {
      const counted = requests;
      requests = 0;
      return counted;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
