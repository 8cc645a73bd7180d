import { describe, expect, test } from 'vitest';
import { anyOf, matching } from '../../../test/harness/programs/expected-text.ts';
import type { ClusterFacts } from '../../sources/postgres/replication/cluster-facts.ts';
import { checkCluster, type ClusterQuestion } from './check-cluster.ts';
import type { ClusterState } from './cluster-state.ts';

const gigabyte = 1024 ** 3;
const facts: ClusterFacts = {
  version: '17.2',
  major: 17,
  versionNumber: 170_002,
  systemId: '7',
  dataDirectory: '/data',
  pageSize: 8192,
  walSegmentSize: 16 * 1024 * 1024,
  checksums: true,
  inRecovery: false,
  settings: {},
  tablespaces: [],
  configuration: [],
  notices: [],
  walLevel: 'replica',
  maxWalSenders: 10,
  archiveMode: 'off',
  summarizeWal: true,
  walSize: gigabyte,
  slots: [],
  mayReplicate: true,
};
const state: ClusterState = {
  maxReplicationSlots: 10,
  maxSlotWalKeepBytes: 10 * gigabyte,
  maxWalBytes: gigabyte,
  keptWalBytes: 0,
  isSynced: true,
  senders: 1,
  synchronousStandbys: '',
  archiveFailures: 0,
  archiveCommand: '',
  isManaged: false,
};
const slot = { name: 'ours', type: 'physical', active: true, retained: 0, lost: false } as const;

const ask = (change: { facts?: Partial<ClusterFacts>; state?: Partial<ClusterState>; more?: Partial<ClusterQuestion> } = {}) =>
  checkCluster({
    component: 'database',
    user: 'holdfast',
    slot: 'ours',
    facts: { ...facts, ...change.facts },
    state: { ...state, ...change.state },
    ...change.more,
  });
const unwell = (...change: Parameters<typeof ask>) => ask(...change).filter(({ status }) => status !== 'ok');

test('a server that is well gives no remark', () => {
  expect(unwell()).toEqual([]);
  expect(
    unwell({
      facts: { slots: [slot] },
      more: { synchronous: 'holdfast_ours' },
      state: { synchronousStandbys: 'FIRST 1 ("holdfast_ours")' },
    }),
  ).toEqual([]);
});

test('each check has a name of its own', () => {
  const names = ask({ facts: { slots: [slot], notices: ['One; do this.', 'Two; do that.'] }, more: { synchronous: 'x' } }).map(
    ({ name }) => name,
  );
  expect(new Set(names).size).toBe(names.length);
});

describe('what is wrong is told with the line to paste:', () => {
  const wrong: [string, Parameters<typeof ask>[0], string, 'warning' | 'failed', RegExp][] = [
    ['wal_level', { facts: { walLevel: 'minimal' } }, 'database: wal_level', 'failed', /restart[^]*\nwal_level = replica$/],
    ['no WAL sender left', { facts: { maxWalSenders: 1 } }, 'database: max_wal_senders', 'failed', /\nmax_wal_senders = 10$/],
    ['few WAL senders', { facts: { maxWalSenders: 3 } }, 'database: max_wal_senders', 'warning', /\nmax_wal_senders = 10$/],
    ['no slot left', { state: { maxReplicationSlots: 0 } }, 'database: max_replication_slots', 'failed', /\nmax_replication_slots = 10$/],
    [
      'slots without an end',
      { state: { maxSlotWalKeepBytes: -1 } },
      'database: max_slot_wal_keep_size',
      'warning',
      /\nmax_slot_wal_keep_size = '10GB'$/,
    ],
    ['no summaries', { facts: { summarizeWal: false } }, 'database: summarize_wal', 'warning', /\nsummarize_wal = on$/],
    ['no checksums', { facts: { checksums: false } }, 'database: data checksums', 'warning', /\npg_checksums --enable -D \/data$/],
    ['no fsync', { state: { isSynced: false } }, 'database: fsync', 'warning', /\nfsync = on$/],
    ['a large pg_wal', { facts: { walSize: 9 * gigabyte } }, 'database: pg_wal', 'warning', /pg_replication_slots;/],
    [
      'an archive that fails',
      { facts: { archiveMode: 'on' }, state: { archiveFailures: 3, archiveCommand: 'false' } },
      'database: archive_mode',
      'warning',
      /\narchive_mode = off$/,
    ],
    [
      'nobody waits',
      { more: { synchronous: 'holdfast_ours' } },
      'database: synchronous_standby_names',
      'warning',
      /\nsynchronous_standby_names = 'holdfast_ours'$/,
    ],
    [
      'our slot without a receiver',
      { facts: { slots: [{ ...slot, active: false }] } },
      'database: slot ours',
      'warning',
      /holdfast wal stream/,
    ],
    [
      'our slot lost',
      { facts: { slots: [{ ...slot, active: false, lost: true }] } },
      'database: slot ours',
      'failed',
      /wal stream --restart/,
    ],
    [
      'a forgotten slot',
      { facts: { slots: [{ ...slot, name: 'old', active: false, retained: 2 * gigabyte }] } },
      'database: slot old',
      'warning',
      /\nSELECT pg_drop_replication_slot\('old'\);$/,
    ],
    [
      'a file that cannot be read',
      { facts: { notices: ['The file /etc/x could not be read; let it.'] } },
      'database: configuration',
      'warning',
      /\nGRANT pg_read_server_files TO "holdfast";\n/,
    ],
  ];
  test.each(wrong)('%s', (_, change, name, status, remedy) => {
    expect(unwell(change)).toEqual([{ name, status, what: anyOf(String), do: matching(remedy) }]);
  });
});

test("a slot that somebody reads from, or that keeps little, is nobody's business", () => {
  const others = [
    { ...slot, name: 'standby', retained: 9 * gigabyte },
    { ...slot, name: 'small', active: false, retained: 1000 },
  ];
  expect(unwell({ facts: { slots: others } })).toEqual([]);
});

test('before 17 there are no summaries to miss, and all slots taken are no matter where one is ours', () => {
  expect(unwell({ facts: { major: 16, summarizeWal: false } })).toEqual([]);
  expect(unwell({ facts: { slots: [slot] }, state: { maxReplicationSlots: 1 } })).toEqual([]);
});
