import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openDataset } from './datasets/dataset.ts';
import { borg } from './peers/borg.ts';
import type { Peer } from './peers/peer.ts';
import { restic, resticCheck } from './peers/restic.ts';
import { writeReport } from './report.ts';
import { runRound, type RoundRequest } from './round.ts';
import { scenarioNames, withPrerequisites } from './scenarios.ts';
import { requireSameContent } from './verify.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-round-'));
const dataset = openDataset('small', join(base, 'data'), 0.002);
const firstFile = 'area-0/group-0/folder-0/note-0.txt';

afterAll(() => rmSync(base, { recursive: true, force: true }));

function request(peers: readonly Peer[], changes: Partial<RoundRequest> = {}): RoundRequest {
  const workFolder = join(base, 'work');
  mkdirSync(workFolder);
  return { dataset, peers, scenarios: scenarioNames, round: 1, workFolder, say: () => undefined, ...changes };
}

test('restic and borg take turns through every scenario, and nothing is left behind', async () => {
  const { samples, failures } = await runRound(request([{ ...restic, judge: (place) => [resticCheck(place)] }, borg]));
  expect(failures).toEqual([]);
  expect(samples.map(({ scenario, program }) => `${scenario} ${program}`)).toEqual(
    scenarioNames.flatMap((name) => [`${name} restic`, `${name} borg`]),
  );
  expect(samples.every(({ wallSeconds, peakBytes, repositoryBytes }) => wallSeconds > 0 && peakBytes > 1e6 && repositoryBytes > 1e5)).toBe(
    true,
  );
  expect(existsSync(join(base, 'work'))).toBe(false);
  const machine = {
    processor: 'a processor',
    cores: 2,
    memoryBytes: 2 ** 34,
    system: 'a system',
    fileSystems: ['ext4', 'ext4'],
    load: 0,
  } as const;
  const report = writeReport({
    date: new Date(0),
    command: 'npm run bench',
    machine,
    versions: new Map([['restic', 'restic 0.14']]),
    peers: [restic, borg],
    datasets: [dataset],
    scenarios: scenarioNames,
    rounds: 1,
    scale: 0.002,
    commands: [],
    samples,
    failures,
  });
  expect(report).toContain('Date: 1970-01-01 00:00 UTC');
  expect(report).toMatch(/\| first backup \| restic \| [\d.]+ \| [\d.]+ \| \d+ \| [\d.]+ \| 1\.00 \| [\d.]+ \|/);
});

test('a program that restores less is no longer compared, and the other goes on', async () => {
  const cheat: Peer = {
    ...restic,
    name: 'cheat',
    restore: (place, label, target) => [
      ...restic.restore(place, label, target),
      { argv: ['sh', '-c', `rm "${join(target, dataset.folder, firstFile)}"`], env: { PATH: '/usr/bin:/bin' } },
    ],
  };
  const { samples, failures } = await runRound(request([cheat, borg], { scenarios: ['restore', 'prune'], round: 2 }));
  expect(failures).toMatchObject([{ program: 'cheat', scenario: 'restore' }]);
  expect(failures[0]?.reason).toMatch(/Cannot compare: 199 files/);
  expect(samples.map(({ scenario, program }) => `${scenario} ${program}`)).toEqual(['restore borg', 'prune borg']);
});

test('a repository that its judge refuses is a failure of the backup', async () => {
  const vandal: Peer = {
    ...restic,
    name: 'vandal',
    judge: (place) => {
      truncateSync(join(place.repository, 'config'), 10);
      return [resticCheck(place)];
    },
  };
  const { samples, failures } = await runRound(request([vandal], { scenarios: ['first'] }));
  expect(samples).toEqual([]);
  expect(failures).toMatchObject([{ program: 'vandal', scenario: 'first' }]);
});

test('the data is put back when a program fails after the change', async () => {
  const before = join(base, 'before');
  cpSync(dataset.folder, before, { recursive: true, preserveTimestamps: true });
  const broken: Peer = { ...restic, prune: () => [{ argv: ['false'], env: {} }] };
  const { failures } = await runRound(request([broken], { scenarios: ['prune'] }));
  expect(failures).toMatchObject([{ scenario: 'prune' }]);
  requireSameContent(before, dataset.folder);
  expect(existsSync(`${dataset.folder}.undo`)).toBe(false);
});

test('what must come before a scenario runs too', () => {
  expect(withPrerequisites(['restore'])).toEqual(['first', 'restore']);
  expect(withPrerequisites(['prune'])).toEqual(['first', 'changed', 'prune']);
});
