import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';

/** A bit at a time, as the definition says. */
function slowly(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82_f6_3b_78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test('the vectors of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3_06_92_83);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a_91_36_aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62_a8_ab_43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46_dd_79_4e);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test('whatever the length, the place in memory and the pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), fc.nat(300), (bytes, offset, cut) => {
      const memory = new Uint8Array(offset + bytes.length);
      memory.set(bytes, offset);
      const placed = memory.subarray(offset);
      const wanted = slowly(bytes);
      expect(crc32c(placed)).toBe(wanted);
      expect(crc32c(placed.subarray(cut), crc32c(placed.subarray(0, cut)))).toBe(wanted);
    }),
  );
});
