import { degree, remainder } from './polynomial.ts';

/** Size in bytes of the tables for one polynomial. */
export const rabinTablesSize = 4096;

const windowSize = 64;

/**
 * The two tables of kernels/rabin.ts: 256 u64 that take the oldest of 64 bytes out of a digest, and 256 u64 that reduce a digest
 * whose top byte has left the field.
 */
export function writeRabinTables(target: BigUint64Array, polynomial: bigint): void {
  const size = BigInt(degree(polynomial));
  // Both are linear, so the entries of the eight single bits make all the others.
  const outOfBit: bigint[] = [];
  const reduceBit: bigint[] = [];
  for (let bit = 0n; bit < 8n; bit++) {
    let digest = remainder(1n << bit, polynomial);
    for (let step = 1; step < windowSize; step++) digest = remainder(digest << 8n, polynomial);
    outOfBit.push(digest);
    const top = 1n << (bit + size);
    reduceBit.push(remainder(top, polynomial) | top);
  }
  for (let byte = 0; byte < 256; byte++) {
    let out = 0n;
    let reduce = 0n;
    for (let bit = 0; bit < 8; bit++) {
      if (((byte >> bit) & 1) === 0) continue;
      out ^= outOfBit[bit] ?? 0n;
      reduce ^= reduceBit[bit] ?? 0n;
    }
    target[byte] = out;
    target[256 + byte] = reduce;
  }
}
