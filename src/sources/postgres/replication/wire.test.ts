import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ProtocolFailure, WireFailure } from './failures.ts';
import { Wire } from './wire.ts';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A real connection over loopback: the wire at one end, what a server would send at the other. */
async function pair(signal?: AbortSignal): Promise<{ wire: Wire; server: Socket; client: Socket }> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(listener, 'connection');
  const client = connect(address.port, '127.0.0.1');
  await once(client, 'connect');
  const [server] = (await accepted) as [Socket];
  server.on('error', () => {});
  closing.push(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return { wire: new Wire(client, signal), server, client };
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

test('messages come out whole and in order, wherever the bytes are divided', async () => {
  const sent = [
    message('T', Buffer.from('columns')),
    message('d', Buffer.alloc(0)),
    message('d', Buffer.from('a piece of content')),
    message('Z', Buffer.from('I')),
  ];
  for (const size of [1, 2, 5, 7, 1000]) {
    const { wire, server } = await pair();
    const all = Buffer.concat(sent);
    void (async () => {
      for (let at = 0; at < all.length; at += size) {
        server.write(all.subarray(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    expect(await wire.next()).toMatchObject({ type: 'T', body: Buffer.from('columns') });
    expect(await wire.next()).toMatchObject({ type: 'd', first: true, last: true, body: Buffer.alloc(0) });
    const pieces: Buffer[] = [];
    for (;;) {
      const part = await wire.next();
      if (!('first' in part)) throw new Error(`a message ${part.type} where content was`);
      expect(part.first).toBe(pieces.length === 0);
      pieces.push(part.body);
      if (part.last) break;
    }
    expect(Buffer.concat(pieces).toString()).toBe('a piece of content');
    expect(await wire.next()).toMatchObject({ type: 'Z' });
    wire.close();
  }
});

test('a server that sends faster than anybody reads has to wait', async () => {
  const { wire, server, client } = await pair();
  const block = message('d', Buffer.alloc(1024 * 1024));
  for (let n = 0; n < 128; n += 1) server.write(block);
  await expect.poll(() => client.isPaused()).toBe(true);
  const taken = client.bytesRead;
  expect(taken).toBeLessThan(8 * 1024 * 1024);
  let size = 0;
  while (size < 128 * 1024 * 1024) size += (await wire.next()).body.length;
  expect(size).toBe(128 * 1024 * 1024);
});

test('a message larger than what is kept back comes through, an absurd one does not', async () => {
  const { wire, server } = await pair();
  server.write(message('D', Buffer.alloc(9 * 1024 * 1024)));
  expect((await wire.next()).body).toHaveLength(9 * 1024 * 1024);
  const header = Buffer.from('D....');
  header.writeInt32BE(0x7f_ff_ff_ff, 1);
  server.write(header);
  await expect(wire.next()).rejects.toThrow(ProtocolFailure);
  expect(wire.isOpen).toBe(false);
});

test.each([
  ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a length that cannot be', Buffer.from([0x44, 0, 0, 0, 3])],
  ['a negative length', Buffer.from([0x64, 0xff, 0xff, 0xff, 0xff])],
  ['a letter that is none', Buffer.from([0x00, 0, 0, 0, 9, 1, 2, 3, 4, 5])],
])('%s is refused', async (_, bytes) => {
  const { wire, server } = await pair();
  server.write(bytes);
  await expect(wire.next()).rejects.toThrow(ProtocolFailure);
});

test('what came before a connection broke is still read, then the break is said', async () => {
  const { wire, server } = await pair();
  server.end(Buffer.concat([message('Z', Buffer.from('I')), Buffer.from('D\0')]));
  await once(server, 'close').catch(() => {});
  expect(await wire.next()).toMatchObject({ type: 'Z' });
  await expect(wire.next()).rejects.toThrow(WireFailure);
  await expect(wire.next()).rejects.toThrow(WireFailure);
});

test('a signal ends it with its own reason, for who waits and who comes later', async () => {
  const stop = new AbortController();
  const { wire } = await pair(stop.signal);
  const waiting = wire.next();
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(wire.next()).rejects.toThrow('enough');
  const { wire: late } = await pair(stop.signal);
  await expect(late.next()).rejects.toThrow('enough');
});

test('whoever is silent for too long is given up', async () => {
  const { wire, server } = await pair();
  wire.patience = 100;
  server.write(message('Z', Buffer.from('I')));
  expect(await wire.next()).toMatchObject({ type: 'Z' });
  await expect(wire.next()).rejects.toThrow('nothing came from the server for 0.1 s');
});
