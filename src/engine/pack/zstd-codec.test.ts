import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compressBound, compressFrame, decompressFrame, ZstdCodec, type Compression } from './zstd-codec.ts';

const fast = new ZstdCodec();
const plain = new ZstdCodec('auto', false);

test('the private handle is in use on this Node', () => {
  expect([fast.usesPrivateHandle, new ZstdCodec('max').usesPrivateHandle, plain.usesPrivateHandle]).toEqual([true, true, false]);
});

function compress(codec: ZstdCodec, content: Uint8Array): Buffer | undefined {
  const at = 7;
  const output = Buffer.alloc(at + compressBound(content.length) + 9, 0xee);
  const length = codec.compress(content, output, at);
  expect(output.subarray(0, at).every((byte) => byte === 0xee) && output.subarray(-9).every((byte) => byte === 0xee)).toBe(true);
  return length < 0 ? undefined : output.subarray(at, at + length);
}

function decompress(codec: ZstdCodec, frame: Uint8Array, size: number): Buffer | undefined {
  const at = 5;
  const output = Buffer.alloc(at + size + 9, 0xee);
  const isWhole = codec.decompress(frame, output, at, size);
  expect(output.subarray(0, at).every((byte) => byte === 0xee) && output.subarray(-9).every((byte) => byte === 0xee)).toBe(true);
  return isWhole ? output.subarray(at, at + size) : undefined;
}

const text = (size: number): Buffer =>
  Buffer.from('2026-11-20 14:30:00 INFO request 17 took 3 ms\n'.repeat(Math.ceil(size / 46))).subarray(0, size);

describe.each([
  ['reused context', fast],
  ['public calls', plain],
  ['reused context, max', new ZstdCodec('max')],
])('%s', (_, codec) => {
  test.each([100, 4096, 131_071, 131_072, 131_073, 1_000_000, 8 * 1024 * 1024])('%i bytes of text: a frame that zlib reads', (size) => {
    const content = text(size);
    const frame = compress(codec, content);
    if (frame === undefined) throw new Error('it was not compressed');
    expect(zlib.zstdDecompressSync(frame).equals(content)).toBe(true);
    expect(decompress(codec, frame, size)?.equals(content)).toBe(true);
    expect(decompressFrame(frame, size).equals(content)).toBe(true);
  });

  test('what does not shrink is said so', () => {
    for (const size of [1, 10, 4096, 300_000]) expect(compress(codec, randomBytes(size))).toBeUndefined();
  });

  test('any content comes back, one blob after the other', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 5000, minLength: 1 }),
      fc.string({ minLength: 1, maxLength: 3000 }).map((part) => Buffer.from(part.repeat(40))),
    );
    fc.assert(
      fc.property(content, (bytes) => {
        const frame = compress(codec, bytes);
        return frame === undefined || decompress(codec, frame, bytes.length)?.equals(bytes) === true;
      }),
    );
  });
});

test('both ways read each other', () => {
  const content = text(500_000);
  const [one, two] = [compress(fast, content), compress(plain, content)];
  if (one === undefined || two === undefined) throw new Error('it was not compressed');
  expect(decompress(plain, one, content.length)?.equals(content)).toBe(true);
  expect(decompress(fast, two, content.length)?.equals(content)).toBe(true);
  expect(decompress(fast, compressFrame(content), content.length)?.equals(content)).toBe(true);
});

describe('broken frames are refused, and the next good one is read', () => {
  const content = text(50_000);
  const good = compressFrame(content);
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70]); // no size announced
  const zeros = Buffer.from([0x02, 0x00, 0x10, 0x00]); // a block: 128 KiB of zeros, not the last
  const lastZeros = Buffer.from([0x03, 0x00, 0x10, 0x00]);
  const unannounced = Buffer.concat([header, zeros, lastZeros]);
  const cases: readonly (readonly [what: string, frame: Uint8Array, size: number])[] = [
    ['nothing', Buffer.alloc(0), content.length],
    ...[1, 4, 9, good.length >> 1, good.length - 1].map(
      (cut) => [`the first ${cut} bytes`, good.subarray(0, cut), content.length] as const,
    ),
    ['noise', randomBytes(1000), 5000],
    ['two frames', Buffer.concat([good, good]), 2 * content.length],
    ['something behind', Buffer.concat([good, Buffer.from('x')]), content.length],
    ['one byte less than is in it', good, content.length - 1],
    ['one byte more than is in it', good, content.length + 1],
    ['much less', good, 10],
    ['much more', good, 1_000_000],
    ['a bomb of unknown size', Buffer.concat([header, ...Array.from({ length: 500 }, () => zeros), lastZeros]), 1000],
    ['a small bomb, consumed at once', unannounced, 1000],
    ['a bomb that stops a block early', unannounced, 131_072],
  ];
  test.each(cases)('%s', (_, frame, size) => {
    for (const codec of [fast, plain]) {
      for (let round = 0; round < 2; round++) expect(decompress(codec, frame, size)).toBeUndefined();
      for (let round = 0; round < 2; round++) expect(decompress(codec, good, content.length)?.equals(content)).toBe(true);
    }
  });

  test('a frame that ends without its last block may pass where the size fits, and harms no other', () => {
    const unfinished = Buffer.concat([header, zeros]);
    const result = decompress(fast, unfinished, 131_072);
    expect(result === undefined || result.equals(Buffer.alloc(131_072))).toBe(true);
    expect(decompress(fast, good, content.length)?.equals(content)).toBe(true);
    expect(decompress(fast, unannounced, 262_144)?.equals(Buffer.alloc(262_144))).toBe(true);
  });

  test('any change of any frame', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 100_000 }), (where, change, size) => {
        const changed = Buffer.from(good);
        const at = where % changed.length;
        changed[at] = (changed[at] ?? 0) ^ change;
        decompress(fast, changed, size);
        decompress(fast, changed, content.length);
        return decompress(fast, good, content.length)?.equals(content) === true;
      }),
      { numRuns: 300 },
    );
  });
});

describe('frames of a size not known beforehand', () => {
  test('expand to the limit, and not beyond', () => {
    const content = Buffer.alloc(1_000_000, 'x');
    const frame = compressFrame(content);
    expect(decompressFrame(frame, content.length).equals(content)).toBe(true);
    expect(() => decompressFrame(frame, content.length - 1)).toThrow('expand');
    const streamed = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70]), Buffer.from([0x03, 0x00, 0x10, 0x00])]);
    expect(decompressFrame(streamed, 131_072).length).toBe(131_072);
    expect(() => decompressFrame(streamed, 131_071)).toThrow('larger than');
  });

  test('that announce more than they hold are no reason to take it', () => {
    // Single segment, eight bytes of size: 2^62.
    const liar = Buffer.concat([
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0]),
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x40]),
      Buffer.from([0x01, 0x00, 0x00]),
    ]);
    expect(() => decompressFrame(liar, 1 << 29)).toThrow('expand');
  });

  test('of nothing', () => {
    expect(decompressFrame(compressFrame(Buffer.alloc(0)), 100).length).toBe(0);
  });
});

test('the bound is never less than zstd needs', () => {
  const levels: Compression[] = ['auto', 'max'];
  for (const level of levels) {
    const codec = new ZstdCodec(level);
    for (const size of [1, 255, 256, 65_535, 131_072, 2_000_000]) expect(compress(codec, randomBytes(size))).toBeUndefined();
  }
});
