import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePackHeader, readIndex } from '../index/index-file.ts';
import { contentLength, headerLength, parsePackHeader, writeHeaderRecord, type PackedBlob } from './pack-header.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const blob = fc.record({
  type: fc.constantFrom('data' as const, 'tree' as const),
  length: u32,
  uncompressedLength: fc.oneof(fc.constant(0), u32),
});

/** A header of these blobs, and what it must be read as. */
function makeHeader(blobs: readonly { type: 'data' | 'tree'; length: number; uncompressedLength: number }[]): {
  header: Buffer;
  expected: PackedBlob[];
} {
  const header = Buffer.alloc(blobs.length * 41);
  const expected: PackedBlob[] = [];
  let at = 0;
  let offset = 0;
  for (const { type, length, uncompressedLength } of blobs) {
    const id = randomBytes(32);
    at = writeHeaderRecord(header, at, type, length, uncompressedLength, id);
    expected.push({ id: id.toString('hex'), type, offset, length, uncompressedLength });
    offset += length;
  }
  return { header: header.subarray(0, at), expected };
}

test('what is written is read', () => {
  fc.assert(
    fc.property(fc.array(blob, { maxLength: 50 }), (blobs) => {
      const { header, expected } = makeHeader(blobs);
      expect(parsePackHeader(header)).toEqual(expected);
      expect(headerLength(expected)).toBe(header.length + 36);
    }),
  );
});

test('the piece of an index made from a header says the same', () => {
  const small = fc.record({
    type: fc.constantFrom('data' as const, 'tree' as const),
    length: fc.integer({ min: 0, max: 2 ** 24 }),
    uncompressedLength: fc.integer({ min: 0, max: 2 ** 24 }),
  });
  fc.assert(
    fc.property(fc.array(small, { minLength: 1, maxLength: 40 }), (blobs) => {
      const { header, expected } = makeHeader(blobs);
      const id = randomBytes(32).toString('hex');
      const read: PackedBlob[] = [];
      readIndex(Buffer.concat([Buffer.from('{"packs":['), encodePackHeader(id, header), Buffer.from(']}')]), {
        pack: (packId) => expect(packId).toBe(id),
        blob: (words, type, offset, length, uncompressedLength) =>
          void read.push({ id: Buffer.from(words.buffer, words.byteOffset, 32).toString('hex'), type, offset, length, uncompressedLength }),
      });
      expect(read).toEqual(expected);
    }),
  );
});

describe('a header that is none', () => {
  test('of a blob type that is not known', () => {
    for (const kind of [4, 5, 127, 128, 255]) expect(() => parsePackHeader(Buffer.alloc(41, kind))).toThrow(`unknown type ${kind}`);
  });

  test('that ends in the middle of an entry', () => {
    const { header } = makeHeader([
      { type: 'data', length: 100, uncompressedLength: 0 },
      { type: 'tree', length: 100, uncompressedLength: 200 },
    ]);
    for (let cut = 1; cut < header.length; cut++) {
      if (cut === 37) expect(parsePackHeader(header.subarray(0, cut)).length).toBe(1);
      else expect(() => parsePackHeader(header.subarray(0, cut))).toThrow('middle of an entry');
    }
  });

  test('any bytes: blobs, or a plain error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const header = Buffer.from(bytes);
        try {
          const blobs = parsePackHeader(header);
          expect(headerLength(blobs) - 36).toBeLessThanOrEqual(header.length);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(RangeError);
          expect(error).not.toBeInstanceOf(TypeError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test('the size of a content', () => {
  expect([contentLength({ length: 132, uncompressedLength: 0 }), contentLength({ length: 132, uncompressedLength: 500 })]).toEqual([
    100, 500,
  ]);
});
