import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { degree, isIrreducible, randomPolynomial, remainder } from './polynomial.ts';

/** By trial division: nothing of at most half its degree divides it. */
function isPrimeByDivision(polynomial: bigint): boolean {
  if (polynomial < 2n) return false;
  const most = 1n << BigInt(Math.floor(degree(polynomial) / 2) + 1);
  for (let divisor = 2n; divisor < most; divisor++) if (remainder(polynomial, divisor) === 0n) return false;
  return true;
}

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let bit = 0; bit <= degree(b); bit++) if ((b >> BigInt(bit)) & 1n) product ^= a << BigInt(bit);
  return product;
}

describe('isIrreducible', () => {
  test('agrees with trial division for every polynomial below degree 11', () => {
    const wrong: bigint[] = [];
    for (let polynomial = 0n; polynomial < 2048n; polynomial++)
      if (isIrreducible(polynomial) !== isPrimeByDivision(polynomial)) wrong.push(polynomial);
    expect(wrong).toEqual([]);
  });

  test('finds as many of each degree as there are (Gauss)', () => {
    const counts = [2, 1, 2, 3, 6, 9, 18, 30, 56, 99, 186];
    for (const [index, count] of counts.entries()) {
      const first = 1n << BigInt(index + 1);
      let found = 0;
      for (let polynomial = first; polynomial < 2n * first; polynomial++) if (isIrreducible(polynomial)) found += 1;
      expect(found).toBe(count);
    }
  });

  test('knows the product of two polynomials of any degrees', () => {
    const factor = fc.bigInt({ min: 2n, max: 1n << 32n });
    fc.assert(fc.property(factor, factor, (a, b) => !isIrreducible(multiply(a, b))));
  });

  test("accepts the polynomial of the chunker's own documentation, and no neighbour of even weight", () => {
    const polynomial = 0x3da3358b4dc173n;
    expect([degree(polynomial), isIrreducible(polynomial)]).toEqual([53, true]);
    // With an even number of terms x + 1 divides it; without a constant x does.
    expect([isIrreducible(polynomial ^ 2n), isIrreducible(polynomial ^ 1n)]).toEqual([false, false]);
  });
});

test('remainder is what is left of a product and a smaller rest', () => {
  const polynomial = fc.bigInt({ min: 2n, max: 1n << 60n });
  fc.assert(
    fc.property(polynomial, polynomial, fc.bigInt({ min: 0n, max: 1n << 60n }), (modulus, factor, noise) => {
      const rest = remainder(noise, modulus);
      return degree(rest) < degree(modulus) && remainder(multiply(modulus, factor) ^ rest, modulus) === rest;
    }),
  );
});

test('random polynomials are irreducible, of degree 53, and never the same', () => {
  const drawn = Array.from({ length: 25 }, randomPolynomial);
  for (const polynomial of drawn) expect([degree(polynomial), isIrreducible(polynomial)]).toEqual([53, true]);
  expect(new Set(drawn).size).toBe(drawn.length);
});
