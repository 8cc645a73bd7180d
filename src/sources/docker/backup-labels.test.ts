import { expect, test } from 'vitest';
import { readBackupLabels } from './backup-labels.ts';
import type { Container } from './docker-engine.ts';
import { splitWords } from './split-words.ts';

const unused = (): never => {
  throw new Error('labels are read, nothing is done');
};
const done = { exec: unused, stop: unused, start: unused, waitUntilUp: unused, logs: unused, readArchive: unused, writeArchive: unused };

function labelled(name: string, labels: Record<string, string>): Container {
  const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`docker-volume-backup.${key}`, value]));
  return {
    id: name,
    name,
    image: 'image',
    imageId: 'image',
    state: 'running',
    restarts: 0,
    labels: prefixed,
    environment: {},
    mounts: [],
    addresses: [],
    published: [],
    ...done,
  };
}

test('the containers that are to be stopped are those whose label has the value', () => {
  const containers = [
    labelled('a', { 'stop-during-backup': 'true' }),
    labelled('b', { 'stop-during-backup': 'weekly' }),
    labelled('c', {}),
  ];
  expect(readBackupLabels(containers).stop.map(({ name }) => name)).toEqual(['a']);
  expect(readBackupLabels(containers, { stopValue: 'weekly' }).stop.map(({ name }) => name)).toEqual(['b']);
});

test('commands are read under both names, with their user, the newer name first', () => {
  const containers = [
    labelled('a', { 'archive-pre': "/bin/sh -c 'dump >/tmp/x; true'", 'archive-pre.user': 'git', 'exec-pre': 'old' }),
    labelled('b', { 'exec-pre': 'mysqldump --all', 'exec-post': 'rm "/a b"', 'exec-label': 'database' }),
    labelled('c', { 'archive-pre': '  ' }),
  ];
  const short = (choice = {}) => {
    const { before, after } = readBackupLabels(containers, choice);
    const words = (list: typeof before) => list.map(({ container, command, user }) => [container.name, user ?? '', ...command]);
    return { before: words(before), after: words(after) };
  };
  expect(short()).toEqual({
    before: [
      ['a', 'git', '/bin/sh', '-c', 'dump >/tmp/x; true'],
      ['b', '', 'mysqldump', '--all'],
    ],
    after: [['b', '', 'rm', '/a b']],
  });
  expect(short({ execLabel: 'database' }).before.map(([name]) => name)).toEqual(['b']);
});

test.each([
  ['a  b\tc', ['a', 'b', 'c']],
  [String.raw`a\ b "c \" \n" 'd \'`, ['a b', String.raw`c " \n`, String.raw`d \ `.trim()]],
  [`'' "" x''y`, ['', '', 'xy']],
  ['$HOME `x` *', ['$HOME', '`x`', '*']],
  ['', []],
])('%s is split as a shell does, and nothing is expanded', (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test('an open quote is an error', () => {
  expect(() => splitWords('a "b')).toThrow(RangeError);
});
