import fc from 'fast-check';
import { expect, test } from 'vitest';

import { goMode, nodeTypeOf, stMode } from './mode.ts';

test.each([
  ['file', 0o100644, 0o644],
  ['dir', 0o040755, 2_147_484_141],
  ['symlink', 0o120777, 134_218_239],
  ['dev', 0o060660, 67_109_296],
  ['chardev', 0o020666, 69_206_454],
  ['fifo', 0o010600, 33_554_816],
  ['socket', 0o140700, 16_777_664],
  ['file', 0o104755, 8_389_101],
  ['file', 0o102755, 4_194_797],
  ['dir', 0o041777, 2_148_532_735],
  ['irregular', 0o160644, 524_708],
] as const)('%s with mode %o', (type, st, go) => {
  expect(nodeTypeOf(st)).toBe(type);
  expect(goMode(st)).toBe(go);
});

test('stMode undoes goMode', () => {
  const types = fc.constantFrom(0o100000, 0o040000, 0o120000, 0o060000, 0o020000, 0o010000, 0o140000);
  fc.assert(fc.property(types, fc.nat({ max: 0o7777 }), (type, bits) => stMode(goMode(type + bits), nodeTypeOf(type)) === type + bits));
});
