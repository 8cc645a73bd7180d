import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { Agent, RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startUnderNames, type NamedServer, type Stoppable } from '../../../test/harness/stores/under-real-names.ts';
import { readText } from './read-body.ts';
import { sendRequest } from './send-request.ts';
import { createTimedAgent, type TimeLimits } from './timed-agent.ts';

/* A server that does what its path says. */
const serve: RequestListener = ({ url }, response) => {
  if (url === '/silent') return;
  if (url === '/stops') return void response.writeHead(200, { 'content-length': 10 }).write('12345');
  response.end('all of it');
};

let connections = 0;
let named: NamedServer<Stoppable>;
const agents: Agent[] = [];

beforeAll(async () => {
  named = await startUnderNames(['store.example'], async ({ cert, key }) => {
    const server = createServer({ cert: await readFile(cert), key: await readFile(key) }, serve);
    const open = new Set<Socket>();
    server.on('connection', (socket: Socket) => open.add(socket)).on('secureConnection', () => (connections += 1));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const stop = async (): Promise<void> => {
      for (const socket of open) socket.destroy();
      server.close();
    };
    return { port: address !== null && typeof address === 'object' ? address.port : 0, stop };
  });
});

afterAll(async () => {
  for (const agent of agents) agent.destroy();
  await named.stop();
});

async function makeAgent(limits: TimeLimits, isProxied: boolean): Promise<Agent> {
  const authority = await readFile(named.environment['RESTIC_CACERT'] ?? '', 'utf8');
  const environment = isProxied ? named.environment : {};
  const agent = createTimedAgent({ protocol: 'https:', connections: 1, limits, authority, environment });
  agents.push(agent);
  return agent;
}

async function ask(agent: Agent, isProxied: boolean, path: string): Promise<string> {
  const host = isProxied ? 'store.example' : `127.0.0.1:${named.server.port}`;
  return readText(await sendRequest({ method: 'GET', url: new URL(`https://${host}${path}`), agent }), 1000);
}

it.each([false, true])('keeps a connection that stands beyond the time it had to stand (through a proxy: %j)', async (isProxied) => {
  const agent = await makeAgent({ connect: 1500, silence: 60_000 }, isProxied);
  const before = connections;
  expect(await ask(agent, isProxied, '/')).toBe('all of it');
  await sleep(2000);
  expect(await ask(agent, isProxied, '/')).toBe('all of it');
  expect(connections - before).toBe(1);
});

it.each([false, true])('gives up on silence, also on a connection that was used before (through a proxy: %j)', async (isProxied) => {
  const agent = await makeAgent({ connect: 10_000, silence: 1500 }, isProxied);
  for (const path of ['/silent', '/stops']) {
    expect(await ask(agent, isProxied, '/')).toBe('all of it');
    await expect(ask(agent, isProxied, path)).rejects.toThrow(/nothing for 1.5 seconds|aborted/);
  }
});
