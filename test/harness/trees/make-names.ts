/** Files whose names are trouble: for a terminal, a shell, a glob, a pattern, a decoder, a path joined by hand. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { joinBytes, showPath } from './byte-paths.ts';
import type { TreeInProgress } from './make-tree.ts';

const textNames = [
  'with space',
  ' leading and trailing ',
  '-leading-dash',
  '--help',
  'new\nline',
  'carriage\rreturn',
  'tab\there',
  'control\u0001\u001b[31mred',
  'quote"double',
  "quote'single",
  'back\\slash',
  'back\\nslash-n',
  '$HOME',
  '~',
  '`command`',
  '*',
  '?[a-z]{b,c}!',
  '#comment',
  '%41',
  'colon:name',
  '...',
  '.hidden',
  'emoji-😀-👩‍👩‍👧',
  'composed-é',
  'decomposed-e\u0301',
  'Case',
  'case',
  'right-to-left-\u202egnp.exe',
  'replacement-\ufffd',
  'byte-order-\ufeffmark',
  'x'.repeat(255),
  `${'ü'.repeat(127)}y`,
];

/* Latin-1, a lone continuation byte, an encoded surrogate, an overlong slash, a sequence cut short, every high byte. */
const byteNames = [
  Buffer.from('latin-1-caf\xe9', 'latin1'),
  Buffer.from([0x80]),
  Buffer.from([0x73, 0xed, 0xa0, 0x80]),
  Buffer.from([0x6f, 0xc0, 0xaf]),
  Buffer.from([0x63, 0xf0, 0x9f, 0x98]),
  Buffer.from(Array.from({ length: 128 }, (_, index) => 128 + index)),
];

/** Makes `names/`: a file for every name, and a folder of a name that is not UTF-8 with something in it. */
export function makeNamedFiles({ folder, attempt }: TreeInProgress): void {
  const parent = joinBytes(folder, 'names');
  mkdirSync(parent);
  for (const name of [...textNames.map((text) => Buffer.from(text)), ...byteNames]) {
    attempt(`name ${showPath(name)}`, () => writeFileSync(joinBytes(parent, name), Buffer.concat([name, Buffer.from('\n')])));
  }
  attempt('folder with a name that is not UTF-8', () => {
    const inner = joinBytes(parent, Buffer.from('folder-\xff', 'latin1'));
    mkdirSync(inner);
    writeFileSync(joinBytes(inner, 'plain'), 'inside\n');
    writeFileSync(joinBytes(inner, Buffer.from('\xfe', 'latin1')), 'inside too\n');
  });
}
