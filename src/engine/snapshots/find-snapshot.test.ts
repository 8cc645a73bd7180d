import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isError } from '../../errors.ts';
import { makeSampleRepository, openSample, type SampleRepository } from '../check/testing/sample-repository.ts';
import type { Repository } from '../repository.ts';
import type { Snapshot } from '../snapshot-json.ts';
import { filterSnapshots, findParent, findSnapshot, parsePointInTime, selectSnapshot } from './find-snapshot.ts';
import { loadSnapshots, type LoadedSnapshot } from './load-snapshots.ts';
import { saveSnapshot } from './save-snapshot.ts';

function loaded(id: string, over: Partial<Snapshot> = {}): LoadedSnapshot {
  return {
    id: id.padEnd(64, '0'),
    snapshot: { time: '2026-11-20T10:00:00Z', tree: '0f'.repeat(32), paths: ['/srv'], hostname: 'web1', ...over },
  };
}

const snapshots = [
  loaded('aaaa1', { time: '2026-11-18T10:00:00+01:00', tags: ['component:database'] }),
  loaded('aaaa2', { time: '2026-11-19T10:00:00Z', tags: ['component:uploads', 'manual'], hostname: 'web2' }),
  loaded('bbbb1', { time: '2026-11-20T14:30:59.5Z', tags: ['component:uploads'], paths: ['/srv', '/etc'] }),
];

describe('a point by name', () => {
  test.each([
    ['aaaa1', 'aaaa1'],
    ['bbbb', 'bbbb1'],
    ['latest', 'bbbb1'],
    ['latest:database', 'aaaa1'],
    ['latest:uploads', 'bbbb1'],
    ['2026-11-19T10:00:00Z', 'aaaa2'],
    ['2026-11-19 09:59Z', 'aaaa1'],
    ['2026-11-19 11:00+01:00', 'aaaa2'],
    ['2026-11-20 14:30Z', 'bbbb1'],
    ['2026-11-20 14:30:59Z', 'bbbb1'],
    ['2026-11-20 14:30:59.4Z', 'aaaa2'],
    ['2026-11-19Z', 'aaaa2'],
  ])('%s', (name, id) => expect(selectSnapshot(snapshots, name).id.slice(0, 5)).toBe(id));

  test.each([
    ['aaaa', /2 ids begin so: aaaa1000 of 2026-11-18T10:00:00\+01:00, aaaa2000 of/],
    ['aaa', /at least 4 digits/],
    ['cccc', /no id begins so/],
    ['latest:mail', /none is of a component "mail"/],
    ['2026-11-01', /none is as old as that/],
    ['2026-02-30', /no id, no time/],
    ['newest', /no id, no time/],
  ])('%s is none', (name, reason) => {
    expect(() => selectSnapshot(snapshots, name)).toThrow(reason);
    expect(() => selectSnapshot(snapshots, name)).toThrow(expect.toSatisfy((error) => isError(error, 'snapshot-missing')) as Error);
  });

  test('the filter applies to all but an id', () => {
    expect(selectSnapshot(snapshots, 'latest', { hosts: ['web2'] }).id).toContain('aaaa2');
    expect(selectSnapshot(snapshots, 'latest', { paths: ['/etc'] }).id).toContain('bbbb1');
    expect(selectSnapshot(snapshots, 'bbbb1', { hosts: ['web2'] }).id).toContain('bbbb1');
    expect(() => selectSnapshot(snapshots, 'latest', { hosts: ['web3'] })).toThrow('none fits the filter');
    expect(() => selectSnapshot([], 'latest')).toThrow('has none yet');
    expect(filterSnapshots(snapshots, { tags: [['manual', 'component:uploads'], ['component:database']] })).toHaveLength(2);
    expect(filterSnapshots(snapshots, { tags: [[]] })).toEqual([]);
  });
});

test('a time without a zone is that of this machine', () => {
  const local = new Date(2026, 10, 20, 14, 30).getTime();
  expect(parsePointInTime('2026-11-20 14:30')).toEqual({ start: BigInt(local) * 1_000_000n, end: BigInt(local + 60_000) * 1_000_000n });
});

test('a parent is the newest of that host with the same paths', () => {
  expect(findParent(snapshots, { host: 'web1', paths: ['/etc', '/srv'] })?.id).toContain('bbbb1');
  expect(findParent(snapshots, { host: 'web1', paths: ['/srv'] })?.id).toContain('aaaa1');
  expect(findParent(snapshots, { host: 'web3', paths: ['/srv'] })).toBeUndefined();
});

describe('in a repository', () => {
  let sample: SampleRepository;
  let repository: Repository;
  beforeAll(async () => {
    sample = await makeSampleRepository(2);
    repository = await openSample(sample.path);
  });
  afterAll(() => sample[Symbol.dispose]());

  test('what is saved is listed by restic, and all are loaded oldest first', async () => {
    const latest = await findSnapshot(repository, 'latest:uploads');
    const id = await saveSnapshot(repository, { ...latest.snapshot, time: '2026-01-01T00:00:00Z', tags: ['ours'] });
    const listed = JSON.parse(sample.judge(sample.path, 'snapshots', '--json')) as { id: string; tags: string[] }[];
    expect((await loadSnapshots(repository)).map((each) => each.id)).toEqual(listed.map((each) => each.id));
    expect(listed[0]).toMatchObject({ id, tags: ['ours'] });
  });

  test('a damaged one is an error that names it, or is told beside the others', async () => {
    const id = 'ab'.repeat(32);
    writeFileSync(join(sample.path, 'snapshots', id), 'damaged');
    await expect(loadSnapshots(repository)).rejects.toThrow(`snapshots/${id}`);
    const { snapshots: others, problems } = await loadSnapshots(repository, { tolerant: true });
    expect(others).toHaveLength(3);
    expect(problems.map((problem) => problem.id)).toEqual([id]);
  });
});
