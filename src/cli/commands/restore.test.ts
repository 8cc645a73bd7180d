import { afterEach, beforeEach, expect, test } from 'vitest';
import { ignoreEvents } from '../../events.ts';
import { systemClock } from '../../util/clock.ts';
import { ParsedOptions } from '../parsed-options.ts';
import { createOutput } from '../print/output.ts';
import { restoreCommand } from './restore.ts';

const before = { stdin: process.stdin.isTTY, stderr: process.stderr.isTTY };

/** Somebody sits at the terminal: a question would be asked, and nobody answers it here. */
beforeEach(() => {
  process.stdin.isTTY = true;
  process.stderr.isTTY = true;
});

afterEach(() => {
  process.stdin.isTTY = before.stdin;
  process.stderr.isTTY = before.stderr;
});

test.each([
  [
    'clean',
    [
      ['clean', []],
      ['target', ['x']],
    ],
    'latest',
  ],
  [
    'clean with a path',
    [
      ['clean', []],
      ['postgres', ['postgresql://h/d']],
    ],
    'latest:/x',
  ],
  [
    'two that exclude each other',
    [
      ['clean', []],
      ['recreate', []],
      ['postgres', ['postgresql://h/d']],
    ],
    'latest',
  ],
  [
    'a number that is none',
    [
      ['recreate', []],
      ['jobs', ['many']],
      ['postgres', ['postgresql://h/d']],
    ],
    'latest',
  ],
  [
    'an address that is none',
    [
      ['recreate', []],
      ['postgres', ['mysql://h/d']],
    ],
    'latest',
  ],
  ['no target', [['delete', []]], 'latest'],
  [
    'a wait that is none',
    [
      ['delete', []],
      ['target', ['x']],
      ['wait-lock', ['long']],
    ],
    'latest',
  ],
] as const)('what is wrong is told before anything is asked: %s', async (_, values, point) => {
  const run = restoreCommand.run({
    options: new ParsedOptions('holdfast restore', new Map<string, readonly string[]>(values)),
    args: [point],
    environment: {},
    output: createOutput(process, { json: false, quiet: false, verbose: false }),
    events: ignoreEvents,
    signal: new AbortController().signal,
    clock: systemClock,
  });
  await expect(run).rejects.toMatchObject({ exitStatus: 2 });
});
