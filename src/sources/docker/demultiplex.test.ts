import fc from 'fast-check';
import { expect, test } from 'vitest';
import { demultiplex } from './demultiplex.ts';

function frame(kind: number, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

async function read(bytes: Buffer, cuts: readonly number[]) {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  const result = { stdout: '', stderr: '' };
  const chunks = (async function* () {
    for (const [at, end] of ends.entries()) yield bytes.subarray(ends[at - 1] ?? 0, end);
  })();
  for await (const part of demultiplex(chunks)) result[part.from] += Buffer.from(part.bytes).toString('latin1');
  return result;
}

const frames = fc.array(fc.record({ kind: fc.constantFrom(1, 2), bytes: fc.uint8Array({ maxLength: 40 }) }));
const cuts = fc.array(fc.nat(500));

test('wherever the connection cuts, what was sent comes apart again', async () => {
  await fc.assert(
    fc.asyncProperty(frames, cuts, async (sent, at) => {
      const wanted = (kind: number): string =>
        Buffer.concat(sent.filter((one) => one.kind === kind).map(({ bytes }) => bytes)).toString('latin1');
      const bytes = Buffer.concat(sent.map((one) => frame(one.kind, one.bytes)));
      expect(await read(bytes, at)).toEqual({ stdout: wanted(1), stderr: wanted(2) });
    }),
  );
});

test('an end in the middle of a frame is an error', async () => {
  const whole = frame(1, Buffer.from('contents'));
  for (let length = 1; length < whole.length; length += 1)
    await expect(read(whole.subarray(0, length), [])).rejects.toThrow('middle of a frame');
});

test('what is no frame is an error', async () => {
  await expect(read(Buffer.from('HTTP/1.1 200 OK\r\n'), [])).rejects.toThrow('no frame');
});
