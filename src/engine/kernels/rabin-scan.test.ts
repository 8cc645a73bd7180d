import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { degree, randomPolynomial } from '../chunk/polynomial.ts';
import { rabinTablesSize, writeRabinTables } from '../chunk/rabin-tables.ts';
import { digestOf, scanByDefinition, windowBytes } from '../chunk/testing/reference-rabin.ts';
import { createKernelMemory, loadKernels } from './kernels.ts';

const room = 1 << 20;
const memory = createKernelMemory(rabinTablesSize + room);
const kernels = loadKernels(memory);
const bytes = new Uint8Array(memory.buffer);
const lane = 16_384;
const block = 4 * lane;

function scan(data: Uint8Array, from: number, to: number, polynomial: bigint, mask: number): number {
  writeRabinTables(new BigUint64Array(memory.buffer, 0, 512), polynomial);
  bytes.set(data, rabinTablesSize);
  return kernels.rabinScan(rabinTablesSize, from, to, 0, BigInt(degree(polynomial) - 8), BigInt(mask));
}

/** Data of every kind that a file is made of. */
const kinds: Readonly<Record<string, (length: number) => Uint8Array>> = {
  random: (length) => randomBytes(length),
  zeros: (length) => new Uint8Array(length),
  ones: (length) => new Uint8Array(length).fill(255),
  repeated: (length) => Buffer.alloc(length, randomBytes(97)),
  text: (length) => Buffer.from('one line of a log, and a number: '.repeat(Math.ceil(length / 33))).subarray(0, length),
  mostlyZeros: (length) => Buffer.concat([Buffer.alloc(Math.floor(length * 0.7)), randomBytes(length)]).subarray(0, length),
};

describe('the first cut is where the definition puts it', () => {
  test.each(Object.keys(kinds))('in %s data, wherever the scan begins and ends', (kind) => {
    const edges = fc.constantFrom(0, 1, 63, 64, 65, lane - 1, lane, lane + 1, 3 * lane, block - 1, block, block + 1, 2 * block, 2 * block + 1);
    fc.assert(
      fc.property(
        fc.integer({ min: windowBytes, max: 70_000 }),
        fc.oneof(edges, fc.integer({ min: 0, max: 3 * block })),
        fc.integer({ min: 4, max: 20 }),
        (from, length, bits) => {
          const polynomial = randomPolynomial();
          const mask = 2 ** bits - 1;
          const data = kinds[kind]?.(from + length) ?? new Uint8Array();
          expect(scan(data, from, from + length, polynomial, mask)).toBe(scanByDefinition(data, from, from + length, polynomial, mask));
        },
      ),
      { numRuns: 15 },
    );
  });

  test('with a cut in each lane, and at the borders between lanes and blocks', () => {
    const polynomial = randomPolynomial();
    const mask = 0xfffff;
    const noise = randomBytes(3 * block);
    const from = 100;
    const clean = scanByDefinition(noise, from, noise.length, polynomial, mask) < 0 ? noise : Buffer.alloc(noise.length, 'no cut in here ');
    const planted = windowOfZeroDigest(polynomial, mask);
    for (const border of [0, lane, 2 * lane, 3 * lane, block, block + lane, 2 * block]) {
      for (const offset of [-1, 0, 1, windowBytes, windowBytes + 1]) {
        const end = from + border + offset;
        if (end - windowBytes < 0) continue;
        const data = Buffer.from(clean);
        data.set(planted, end - windowBytes);
        const expected = scanByDefinition(data, from, data.length, polynomial, mask);
        expect(expected === end || end <= from).toBe(true);
        expect(scan(data, from, data.length, polynomial, mask)).toBe(expected);
      }
    }
  });

  test('a scan that goes on where another one ended finds the same cut', () => {
    const polynomial = randomPolynomial();
    const data = randomBytes(400_000);
    const whole = scan(data, windowBytes, data.length, polynomial, 0x3ffff);
    let at = windowBytes;
    let found = -1;
    for (const step of [1, 63, 5000, block, block + 1, 77_777, 200_000]) {
      const to = Math.min(at + step, data.length);
      found = scan(data, at, to, polynomial, 0x3ffff);
      if (found >= 0) break;
      at = to;
    }
    const seenAll = found >= 0 ? found : scan(data, at, data.length, polynomial, 0x3ffff);
    expect(seenAll).toBe(whole);
  });

  test('the reference itself is right: its digests are remainders', () => {
    const polynomial = randomPolynomial();
    const data = randomBytes(600);
    for (let at = windowBytes; at < data.length; at++) {
      const digest = digestOf(data.subarray(at + 1 - windowBytes, at + 1), polynomial);
      expect(scanByDefinition(data, at, at + 1, polynomial, 0xff) >= 0).toBe((digest & 0xffn) === 0n);
    }
  });
});

/** Sixty-four bytes whose digest ends in zeros. */
function windowOfZeroDigest(polynomial: bigint, mask: number): Uint8Array {
  // The last three bytes are the digest's lowest 24 bits as they stand: they are chosen to cancel what the others leave there.
  const window = randomBytes(windowBytes);
  window.fill(0, windowBytes - 3);
  const left = Number(digestOf(window, polynomial) & 0xffffffn);
  window.writeUIntBE(left, windowBytes - 3, 3);
  expect(Number(digestOf(window, polynomial) & BigInt(mask))).toBe(0);
  return window;
}
