import { expect, test } from 'vitest';
import { containing } from '../../../test/harness/programs/expected-text.ts';
import type { BaseManifest } from '../../sources/postgres/physical/base-manifest.ts';
import { chooseBase, type EarlierBase } from './choose-base.ts';

const day = 86_400_000;
const now = new Date('2026-03-10T12:00:00Z');
const server = { systemId: '7', major: 16, pageSize: 8192, summarizes: false };
const policy = { fullEveryMs: 7 * day, increments: 3 };

function base(name: string, daysAgo: number, more: Partial<BaseManifest> = {}): EarlierBase {
  const time = new Date(now.getTime() - daysAgo * day).toISOString();
  return {
    snapshotId: idOf(name),
    manifest: {
      version: 1,
      kind: more.chain === undefined ? 'full' : 'increment',
      systemId: '7',
      timeline: 1,
      startLsn: '0/2000028',
      endLsn: '0/2000100',
      startedAt: time,
      endedAt: time,
      endTimeline: 1,
      serverVersion: '16.4',
      major: 16,
      pageSize: 8192,
      walSegmentSize: 2 ** 24,
      checksums: true,
      dataDirectory: '/data',
      tablespaces: [],
      configuration: [],
      settings: {},
      chain: [],
      files: 1,
      bytes: 1,
      ...more,
    },
  };
}

function idOf(name: string): string {
  return name.repeat(64);
}

const full = base('a', 3);
const first = base('b', 2, { chain: [idOf('a')] });
const second = base('c', 1, { chain: [idOf('a'), idOf('b')] });

test('changed pages are stored while the chain is short, young and whole', () => {
  const earlier = [second, first, full];
  expect(chooseBase({ earlier, server, policy, now })).toEqual({ mode: 'increment', previous: second, serverSide: false });
  expect(chooseBase({ earlier: [full], server, policy, now })).toEqual({ mode: 'increment', previous: full, serverSide: false });
  const summarizes = { ...server, summarizes: true };
  expect(chooseBase({ earlier, server: summarizes, policy, now })).toMatchObject({ serverSide: true });
});

test.each([
  ['there is none before', { earlier: [] }, 'the first'],
  ['increments are turned off', { policy: { ...policy, increments: 0 } }, 'turned off'],
  ['the chain is as long as it may be', { policy: { ...policy, increments: 2 } }, '2 increments build'],
  ['the last full one is old', { policy: { ...policy, fullEveryMs: 3 * day } }, 'old enough'],
  ['a member of the chain is gone', { earlier: [second, full] }, 'is gone'],
  ['the full one is gone', { earlier: [second, first] }, 'is gone'],
  ['it is another cluster', { server: { ...server, systemId: '8' } }, 'another cluster'],
  ['the server was upgraded', { server: { ...server, major: 17 } }, 'upgraded from 16.4'],
  [
    'only the server knew what changed, and it does not now',
    { earlier: [base('d', 1, { chain: [idOf('a')], serverSide: true }), full] },
    'does not say',
  ],
])('a full one is made where %s', (_, change, reason) => {
  const choice = chooseBase({ earlier: [second, first, full], server, policy, now, ...change });
  expect(choice).toEqual({ mode: 'full', reason: containing(reason) });
});
