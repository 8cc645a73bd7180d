/** Polynomials over GF(2) as bigints: bit i is the coefficient of x^i. The Rabin chunker wants an irreducible one of degree 53. */
import { randomBytes } from 'node:crypto';

const chunkerDegree = 53;

export function degree(polynomial: bigint): number {
  return polynomial === 0n ? -1 : polynomial.toString(2).length - 1;
}

/** Remainder of a division. */
export function remainder(value: bigint, modulus: bigint): bigint {
  const size = degree(modulus);
  let rest = value;
  for (let excess = degree(rest) - size; excess >= 0; excess = degree(rest) - size) rest ^= modulus << BigInt(excess);
  return rest;
}

/** True when nothing but 1 and itself divides it (Ben-Or's test). */
export function isIrreducible(polynomial: bigint): boolean {
  const size = degree(polynomial);
  if (size < 1) return false;
  let power = remainder(2n, polynomial);
  for (let step = 1; step <= Math.floor(size / 2); step++) {
    power = square(power, polynomial);
    if (greatestCommonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return true;
}

/** A random irreducible polynomial of degree 53, as `init` draws one. */
export function randomPolynomial(): bigint {
  for (;;) {
    const random = randomBytes(8).readBigUInt64LE() & ((1n << BigInt(chunkerDegree)) - 1n);
    const candidate = random | (1n << BigInt(chunkerDegree)) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

function square(value: bigint, modulus: bigint): bigint {
  let spread = 0n;
  for (let bit = 0n; bit <= BigInt(degree(value)); bit++) if ((value >> bit) & 1n) spread |= 1n << (bit * 2n);
  return remainder(spread, modulus);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, remainder(a, b)];
  return a;
}
