import { expect, test } from 'vitest';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../snapshot-json.ts';
import { programMark, sawAllOf } from './program-mark.ts';

const snapshot: Snapshot = {
  time: '2026-11-20T10:00:00Z',
  tree: '0f'.repeat(32),
  paths: ['/data'],
  uid: 0,
  program_version: programMark(true),
};

test.each([
  ['root after root', snapshot, 0, true],
  ['root after root, as it is read from a repository', decodeSnapshot(encodeSnapshot(snapshot), 'a snapshot'), 0, true],
  ['a user after root', snapshot, 1000, true],
  ['a user after the same user', { ...snapshot, uid: 1000 }, 1000, true],
  ['root after a user: some attributes are shown to root only', { ...snapshot, uid: 1000 }, 0, false],
  ['after a run that could not read attributes', { ...snapshot, program_version: programMark(false) }, 0, false],
  ['after restic', { ...snapshot, program_version: 'restic 0.18.1' }, 0, false],
  ['after a program that does not say', { time: snapshot.time, tree: snapshot.tree, paths: [], uid: 0 }, 0, false],
])('entries are taken over unread, %s', (_, parent, uid, expected) => {
  expect(sawAllOf(parent, uid)).toBe(expected);
});
