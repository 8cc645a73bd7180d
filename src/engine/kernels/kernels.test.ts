import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileKernels } from '../../../scripts/build-kernels.ts';
import { createKernelMemory, loadKernels } from './kernels.ts';

const memory = createKernelMemory(1 << 20);
const kernels = loadKernels(memory);
const bytes = new Uint8Array(memory.buffer);

test('kernels.wasm is what its source compiles to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-kernels-'));
  try {
    const fresh = join(folder, 'kernels.wasm');
    await compileKernels(fresh);
    const kept = readFileSync(new URL('./kernels.wasm', import.meta.url));
    expect(kept.equals(readFileSync(fresh))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('counter blocks count up in 128 bits, over every border', () => {
  const most = (1n << 128n) - 1n;
  const starts = [0n, 1n, 0xffn, (1n << 64n) - 1n, (1n << 64n) - 2n, (1n << 32n) - 1n, most, most - 2n, BigInt(`0x${randomBytes(16).toString('hex')}`)];
  for (const start of starts) {
    bytes.set(blockOf(start), 0);
    bytes.fill(0xee, 16, 16 + 16 * 6);
    kernels.counterBlocks(16, 0, 5);
    for (let index = 0; index < 5; index++)
      expect(Buffer.from(bytes.slice(16 + index * 16, 32 + index * 16))).toEqual(blockOf((start + BigInt(index)) & most));
    expect(bytes[16 + 16 * 5]).toBe(0xee);
  }
});

function blockOf(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

const offset = fc.integer({ min: 0, max: 40 });
const length = fc.integer({ min: 0, max: 300 });

test('xorBytes combines exactly so many bytes, at any address', () => {
  fc.assert(
    fc.property(offset, offset, offset, length, (target, a, b, size) => {
      const [at, left, right] = [1000 + target, 2000 + a, 3000 + b];
      const noise = randomBytes(3000);
      bytes.set(noise, 1000);
      const expected = Buffer.from(bytes.slice(1000, 2000));
      for (let i = 0; i < size; i++) expected[target + i] = (bytes[left + i] ?? 0) ^ (bytes[right + i] ?? 0);
      kernels.xorBytes(at, left, right, size);
      expect(Buffer.compare(bytes.slice(1000, 2000), expected)).toBe(0);
    }),
  );
});

test('equalBytes sees one different byte anywhere, and nothing beyond the range', () => {
  fc.assert(
    fc.property(offset, offset, length, fc.nat(), (a, b, size, where) => {
      const [left, right] = [1000 + a, 2000 + b];
      const same = randomBytes(size);
      bytes.set(randomBytes(2000), 1000);
      bytes.set(same, left);
      bytes.set(same, right);
      bytes[left + size] = 1;
      bytes[right + size] = 2;
      expect(kernels.equalBytes(left, right, size)).toBe(1);
      if (size === 0) return;
      const at = right + (where % size);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (where % 8));
      expect(kernels.equalBytes(left, right, size)).toBe(0);
    }),
  );
});

test('the memory is at least as large as asked for, and shared', () => {
  expect(createKernelMemory(1).buffer.byteLength).toBe(65_536);
  expect(createKernelMemory(65_537).buffer.byteLength).toBe(131_072);
  expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
});
