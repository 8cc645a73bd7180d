import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparePaths, decodePath, encodePath, fsPath, hasEscapedBytes } from './path-bytes.ts';

/** Bytes that are nearly UTF-8: the beginnings and ends of sequences of every length, surrogates, overlong forms. */
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 4 }),
  fc.string({ unit: 'binary', maxLength: 3 }).map((text) => new Uint8Array(Buffer.from(text, 'utf8'))),
  fc
    .constantFrom(
      [0xc3],
      [0xa9],
      [0xe2, 0x82],
      [0xed, 0xb2, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0x92],
      [0xc0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xff],
      [0xef, 0xbb, 0xbf],
    )
    .map((bytes) => Uint8Array.from(bytes)),
);
const bytesOfName = fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.concat(pieces));

test('any bytes survive being a string', () => {
  fc.assert(
    fc.property(bytesOfName, (bytes) => {
      expect(encodePath(decodePath(bytes)).equals(bytes)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('two different names are never the same string', () => {
  fc.assert(
    fc.property(bytesOfName, bytesOfName, (a, b) => a.equals(b) === (decodePath(a) === decodePath(b))),
    { numRuns: 1000 },
  );
});

test('UTF-8 is itself, and only other bytes are escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const wellFormed = text.toWellFormed();
      expect(decodePath(Buffer.from(wellFormed))).toBe(wellFormed);
      expect(hasEscapedBytes(wellFormed)).toBe(false);
      expect(fsPath(wellFormed)).toBe(wellFormed);
    }),
  );
  expect(decodePath(Buffer.from([0x61, 0xe9, 0x62]))).toBe('a\uDCE9b');
  expect(decodePath(Buffer.from('\uFEFFa'))).toBe('\uFEFFa');
  expect(hasEscapedBytes('a\uDCE9b')).toBe(true);
  // Its second half looks like an escaped byte.
  expect([hasEscapedBytes('\u{1F480}\u{100FF}'), encodePath('\u{100FF}\uDCFF').toString('hex')]).toEqual([false, 'f09083bfff']);
});

test('the order is that of the bytes', () => {
  fc.assert(
    fc.property(bytesOfName, bytesOfName, (a, b) => {
      expect(Math.sign(comparePaths(decodePath(a), decodePath(b)))).toBe(Buffer.compare(a, b));
    }),
    { numRuns: 1000 },
  );
  expect(comparePaths('\u{1F600}', '\uFF5E')).toBe(1);
});

test('the file system takes what fsPath gives', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-names-'));
  try {
    const names = [
      Buffer.from('plain'),
      Buffer.from('ünï 💾'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from([0x61, 0xc3]),
      Buffer.from([0xed, 0xb2, 0x80]),
    ];
    for (const name of names) writeFileSync(fsPath(`${folder}/${decodePath(name)}`), name);
    const listed = readdirSync(folder, 'buffer');
    expect(listed.toSorted(Buffer.compare)).toEqual(names.toSorted(Buffer.compare));
    for (const name of listed) expect(readFileSync(fsPath(`${folder}/${decodePath(name)}`)).equals(name)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
