/** An HTTP way to an object store on which requests fail: late, refused, answered with an error, or done without the answer coming back. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededBelow } from '../trees/seeded-bytes.ts';

export interface Failures {
  /** Of 1000 requests: so many fail, half of them after the server has done what was asked. */
  readonly requests: number;
  /** Of 1000 answers with a body: so many end in the middle. */
  readonly bodies: number;
  /** Milliseconds. */
  readonly latency: { readonly from: number; readonly to: number };
}

export interface FailingWay {
  readonly port: number;
  set(failures: Failures | undefined): void;
  /** Requests so far, and those that failed. */
  counts(): { readonly requests: number; readonly failed: number; readonly cut: number };
  stop(): Promise<void>;
}

/** Host headers stay as they are, so that signatures fit. */
export async function startFailingWay(serverPort: number, seed: string): Promise<FailingWay> {
  let failures: Failures | undefined;
  const counts = { requests: 0, failed: 0, cut: 0 };
  const pass = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const number = (counts.requests += 1);
    const draw = (what: string, below: number): number => seededBelow(`${seed} ${what} ${number}`, below);
    const now = failures;
    if (now !== undefined) await sleep(now.latency.from + draw('latency', now.latency.to - now.latency.from));
    const fails = now !== undefined && draw('request', 1000) < now.requests;
    const how = draw('how', 4);
    if (fails) counts.failed += 1;
    if (fails && how === 0) return void answer.destroy();
    if (fails && how === 1) {
      incoming.resume();
      answer.writeHead(503, { 'content-type': 'application/xml' });
      return void answer.end(
        '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
      );
    }
    const onward = request({ host: '127.0.0.1', port: serverPort, method: incoming.method, path: incoming.url, headers: incoming.headers });
    onward.on('error', () => answer.destroy());
    incoming.on('error', () => onward.destroy());
    incoming.pipe(onward);
    onward.on('response', (answered) => {
      answered.on('error', () => answer.destroy());
      if (fails) return void answered.resume().on('end', () => answer.destroy());
      const length = Number(answered.headers['content-length'] ?? 0);
      const isCut = now !== undefined && length > 1000 && draw('body', 1000) < now.bodies;
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      if (!isCut) return void answered.pipe(answer);
      counts.cut += 1;
      cutShort(answered, answer, Math.floor(length / 2));
    });
  };
  const server = createServer((incoming, answer) => void pass(incoming, answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the way has no port');
  return {
    port: address.port,
    set: (next) => (failures = next),
    counts: () => ({ ...counts }),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Exactly so many bytes go through, and then the connection breaks. */
function cutShort(answered: IncomingMessage, answer: ServerResponse, length: number): void {
  let left = length;
  answered.on('data', (piece: Buffer) => {
    if (left === 0) return;
    const passing = piece.subarray(0, left);
    left -= passing.length;
    answer.write(passing, () => {
      if (left === 0) answer.destroy();
    });
  });
}
