import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readArray, readId, readInteger, readObject, readString, readStrings } from './wire.ts';

const readers: Readonly<Record<string, (value: unknown) => unknown>> = {
  object: (value) => readObject(value, 'the thing'),
  list: (value) => readArray(value, 'the thing'),
  string: (value) => readString(value, 'the thing'),
  integer: (value) => readInteger(value, 'the thing'),
  strings: (value) => readStrings(value, 'the thing'),
  id: (value) => readId(value, 'the thing'),
};

test.each([
  ['object', {}, [null, undefined, [], 'x', 7, true]],
  ['list', [1, 'x'], [null, undefined, {}, 'x', 7]],
  ['string', 'x', [null, undefined, {}, [], 7]],
  ['integer', 7, [null, undefined, '7', -1, 1.5, NaN, Infinity, 2 ** 53, 7n]],
  ['strings', ['a', 'b'], [{}, 'a', ['a', 7], [null]]],
  ['id', 'ab'.repeat(32), [null, 'AB'.repeat(32), 'ab'.repeat(31), 'ab'.repeat(33), `${'ab'.repeat(32)}\n`, 'zz'.repeat(32)]],
] as const)('%s', (kind, good, bad) => {
  const reader = readers[kind];
  if (reader === undefined) throw new Error(kind);
  expect(reader(good)).toEqual(good);
  for (const value of bad) expect(() => reader(value)).toThrow('the thing is not');
});

test('a list of strings may be absent', () => {
  expect([readStrings(undefined, 'x'), readStrings(null, 'x')]).toEqual([[], []]);
});

test('a whole number keeps to its limits', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: -1000, max: 0 }), fc.integer({ min: 1, max: 1000 }), (value, least, most) => {
      if (value >= least && value <= most) expect(readInteger(value, 'x', least, most)).toBe(value);
      else expect(() => readInteger(value, 'x', least, most)).toThrow(`from ${least} to ${most}`);
    }),
  );
});

test('any JSON: the value itself, or a plain error', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const reader of Object.values(readers)) {
        try {
          const read = reader(value);
          if (value !== null) expect(read).toEqual(value);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(TypeError);
        }
      }
    }),
  );
});
