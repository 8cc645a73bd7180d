import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { compressBody, decompressBody, holdsBody } from './body-codec.ts';

const bodies: readonly (readonly [string, Buffer])[] = [
  ['one byte many times', Buffer.alloc(3_000_000, 7)],
  ['text', Buffer.from('insert into orders;\n'.repeat(1000))],
  ['a whole number of pieces', Buffer.concat([randomBytes(512 * 1024), Buffer.alloc(512 * 1024)])],
  ['a segment of the log', Buffer.concat([randomBytes(5_000_000), Buffer.alloc(11_777_216)])],
];

test.each(bodies)('%s: the frame holds it, and nothing that is near it', async (_name, body) => {
  const frame = await compressBody(body);
  if (frame === undefined) throw new Error('it did not get shorter');
  expect((await decompressBody(frame, body.length)).equals(body)).toBe(true);
  expect(await holdsBody(frame, body)).toBe(true);
  const changed = Buffer.from(body);
  for (const at of [0, body.length >> 1, body.length - 1]) {
    changed.writeUInt8(body.readUInt8(at) ^ 1, at);
    expect(await holdsBody(frame, changed)).toBe(false);
    changed.writeUInt8(body.readUInt8(at), at);
  }
  expect(await holdsBody(frame, body.subarray(0, -1))).toBe(false);
  expect(await holdsBody(frame, Buffer.concat([body, Buffer.alloc(1)]))).toBe(false);
});

test('a frame that is broken or cut holds nothing', async () => {
  const body = Buffer.from('some text that compresses, some text that compresses, some text that compresses');
  const frame = await compressBody(body);
  if (frame === undefined) throw new Error('it did not get shorter');
  expect(await holdsBody(frame.subarray(0, -1), body)).toBe(false);
  expect(await holdsBody(frame.subarray(0, 6), body)).toBe(false);
  expect(await holdsBody(Buffer.from('no frame'), body)).toBe(false);
});

test('nothing, and noise, are no shorter as a frame', async () => {
  expect(await compressBody(Buffer.alloc(0))).toBeUndefined();
  expect(await compressBody(randomBytes(10_000))).toBeUndefined();
});
