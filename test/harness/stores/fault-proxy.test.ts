import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';

/* Sends the same again and again to whoever connects, and counts what comes. */
const sent = randomBytes(4_000_000);
let server: Server;
let proxy: FaultProxy;
let received = 0;
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (piece: Buffer) => (received += piece.length));
    socket.write(sent);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  proxy = await startFaultProxy(address !== null && typeof address === 'object' ? address.port : 0);
});
afterAll(async () => {
  await proxy.stop();
  server.close();
});

/** What comes until the end of the connection, or, where so many bytes are waited for, until a while after them. */
async function readAll(expected = Number.POSITIVE_INFINITY, question = Buffer.from('?')): Promise<{ bytes: Buffer; broken: boolean }> {
  const socket: Socket = connect(proxy.port, '127.0.0.1');
  const pieces: Buffer[] = [];
  let length = 0;
  let broken = false;
  socket.on('error', () => (broken = true));
  socket.on('data', (piece: Buffer) => {
    length += piece.length;
    pieces.push(piece);
  });
  socket.write(question);
  while (!socket.closed && length < expected) await sleep(10);
  if (!socket.closed) await sleep(200);
  socket.destroy();
  return { bytes: Buffer.concat(pieces), broken };
}

it('passes everything when there is no rule', async () => {
  proxy.set({});
  expect(Buffer.compare((await readAll(sent.length)).bytes, sent)).toBe(0);
  expect(proxy.hits()).toBe(0);
});

it.each(['close', 'freeze'] as const)('after a cut (%s) exactly what was to pass has passed', async (how) => {
  proxy.set({ cut: { after: 1_234_567, how } });
  expect(Buffer.compare((await readAll(1_234_567)).bytes, sent.subarray(0, 1_234_567))).toBe(0);
  expect(proxy.hits()).toBe(1);
});

it('a reset breaks the connection, with no more than was to pass', async () => {
  proxy.set({ cut: { after: 1_234_567, how: 'reset' } });
  const { bytes, broken } = await readAll();
  expect(broken).toBe(true);
  expect(bytes.length).toBeLessThanOrEqual(1_234_567);
  expect(Buffer.compare(bytes, sent.subarray(0, bytes.length))).toBe(0);
});

it('the way to the server can be cut as well', async () => {
  proxy.set({ cutRequest: { after: 1000, how: 'freeze' } });
  received = 0;
  const reading = readAll(1, Buffer.alloc(5000));
  while (received < 1000) await sleep(10);
  await sleep(200);
  expect(received).toBe(1000);
  proxy.set({});
  await reading;
});

it('one bit, the first connections only, none at all, by chance', async () => {
  proxy.set({ flip: { at: 2_000_000 }, times: 1 });
  const { bytes } = await readAll(sent.length);
  expect(bytes.findIndex((value, index) => value !== sent[index])).toBe(2_000_000);
  expect(Buffer.compare(bytes.subarray(2_000_001), sent.subarray(2_000_001))).toBe(0);
  expect(Buffer.compare((await readAll(sent.length)).bytes, sent)).toBe(0);
  proxy.set({ refuse: true });
  expect(await readAll()).toMatchObject({ broken: true });
  proxy.set({ cut: { after: 10, how: 'close' }, chance: 0.5 });
  const lengths: number[] = [];
  for (let round = 0; round < 12; round += 1) lengths.push((await readAll(sent.length)).bytes.length);
  expect(new Set(lengths)).toEqual(new Set([10, sent.length]));
});
