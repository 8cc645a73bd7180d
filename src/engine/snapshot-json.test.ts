import { describe, expect, test } from 'vitest';

import { isError } from '../errors.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot-json.ts';

const id = '0f'.repeat(32);
const summary = {
  backup_start: '2026-11-20T10:00:00.5+01:00',
  backup_end: '2026-11-20T10:00:09+01:00',
  files_new: 1,
  files_changed: 2,
  files_unmodified: 3,
  dirs_new: 4,
  dirs_changed: 5,
  dirs_unmodified: 6,
  data_blobs: 7,
  tree_blobs: 8,
  data_added: 9,
  data_added_packed: 10,
  total_files_processed: 11,
  total_bytes_processed: 12,
};
const full: Snapshot = {
  time: '2026-11-20T10:00:00.123456789+01:00',
  parent: id,
  tree: id,
  paths: ['/srv/<app>', '/etc'],
  hostname: 'host',
  username: 'root',
  uid: 1,
  gid: 2,
  excludes: ['*.tmp'],
  tags: ['a', 'b'],
  original: id,
  program_version: 'restic 0.18.1',
  summary,
};

test('fields stand in the order restic writes', () => {
  expect(encodeSnapshot(full).toString()).toBe(
    `{"time":"2026-11-20T10:00:00.123456789+01:00","parent":"${id}","tree":"${id}","paths":["/srv/\\u003capp\\u003e","/etc"],"hostname":"host","username":"root","uid":1,"gid":2,` +
      `"excludes":["*.tmp"],"tags":["a","b"],"original":"${id}","program_version":"restic 0.18.1","summary":${JSON.stringify(summary)}}`,
  );
});

test('decode undoes encode, whatever is there', () => {
  expect(decodeSnapshot(encodeSnapshot(full))).toEqual(full);
  const least: Snapshot = { time: '2026-11-20T10:00:00Z', tree: id, paths: [] };
  expect(encodeSnapshot(least).toString()).toBe(`{"time":"2026-11-20T10:00:00Z","tree":"${id}","paths":[]}`);
  expect(decodeSnapshot(encodeSnapshot(least))).toEqual(least);
});

test('empty says the same as absent, and unknown fields fall away', () => {
  const json = {
    time: '2026-11-20T10:00:00Z',
    tree: id,
    paths: null,
    parent: null,
    uid: 0,
    tags: null,
    excludes: [],
    hostname: '',
    summary: null,
    later: { x: 1 },
    id: 'x',
  };
  expect(decodeSnapshot(Buffer.from(JSON.stringify(json)))).toEqual({ time: '2026-11-20T10:00:00Z', tree: id, paths: [] });
});

test('bytes of a path that are not UTF-8 become U+FFFD, as in restic', () => {
  expect(encodeSnapshot({ time: '2026-11-20T10:00:00Z', tree: id, paths: ['/a\udcff'] }).toString()).toContain(
    String.raw`"paths":["/a\ufffd"]`,
  );
});

describe('refuses', () => {
  test.each([
    '',
    '[]',
    'null',
    '{}',
    '{"time":1}',
    `{"time":"2026-11-20T10:00:00Z","tree":null,"paths":[]}`,
    `{"time":"now","tree":"${id}","paths":[]}`,
    `{"time":"2026-11-20T10:00:00Z","tree":"../x","paths":[]}`,
    `{"time":"2026-11-20T10:00:00Z","tree":"${id}","paths":[5]}`,
    `{"time":"2026-11-20T10:00:00Z","tree":"${id}","paths":[],"uid":-1}`,
    `{"time":"2026-11-20T10:00:00Z","tree":"${id}","paths":[],"summary":5}`,
    `{"time":"2026-11-20T10:00:00Z","tree":"${id}","paths":[],"parent":"${id}00"}`,
    `{"time":"2026-11-20T10:00:00Z","tree":"${id}","paths":[]`,
  ])('%s', (text) => {
    expect(() => decodeSnapshot(Buffer.from(text))).toThrow(expect.toSatisfy((error: unknown) => isError(error, 'damaged')));
  });
});
