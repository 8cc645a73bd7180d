import { expect, test } from 'vitest';

import { readPatternFile } from './pattern-file.ts';

test('comments, empty lines and white space do not count', () => {
  expect(readPatternFile('\ufeff# first\r\n*.tmp\r\n\n  /cache dir \t\n   # indented\n!keep#this\nlast', {})).toEqual([
    '*.tmp',
    '/cache dir',
    '!keep#this',
    'last',
  ]);
  expect(readPatternFile('', {})).toEqual([]);
});

test.each([
  ['$HOME/x', '/root/x'],
  ['${HOME}/x', '/root/x'],
  ['a$$b', 'a$b'],
  ['$$HOME', '$HOME'],
  ['$NONE/x', '/x'],
  ['${NONE}x', 'x'],
  ['$A_1-x', 'one-x'],
  ['$1abc', 'abc'],
  ['a$', 'a$'],
  ['$/x', '$/x'],
  ['a${}b', 'ab'],
  ['a${b', 'ab'],
  ['${$}', '$'],
  ['$HOMEx', ''],
])('%s becomes %j', (line, expected) => {
  expect(readPatternFile(`${line}\n`, { HOME: '/root', A_1: 'one' })).toEqual([expected]);
});
