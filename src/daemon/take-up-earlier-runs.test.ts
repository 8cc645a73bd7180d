/** What a daemon finds of the one before it, in a real catalog. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Catalog, openCatalog } from '../catalog/catalog.ts';
import type { RunResult } from '../catalog/run-record.ts';
import type { Configuration } from '../config/configuration.ts';
import { parseConfiguration } from '../config/parse-configuration.ts';
import { planJobs } from '../operations/jobs/plan-jobs.ts';
import type { Message } from './alarms-of-runs.ts';
import { noteCancelled } from './earlier-runs.ts';
import { openLedger } from './ledger.ts';
import { Scheduler } from './scheduler.ts';
import { takeUpEarlierRuns } from './take-up-earlier-runs.ts';
import { playRuns } from './testing/fake-runner.ts';
import { SimulatedTime } from './testing/simulated-time.ts';

const minute = 60_000;
const job = 'backup:0_2_*_*_*@UTC';
const nobody = 999_999_999;
let [folder, time, catalog]: [string, SimulatedTime, Catalog | undefined] = ['', new SimulatedTime(new Date(0)), undefined];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-take-up-'));
  time = new SimulatedTime(new Date('2027-03-01T02:00:00Z'));
  catalog = openCatalog(folder, time.clock);
});
afterEach(async () => {
  catalog?.close();
  await rm(folder, { recursive: true, force: true });
});

test('a run that failed while no daemon was there is told, and tried again', () => {
  const lastAlive = time.clock.now();
  playRun({ status: 'failed', exit: 1 });
  expect(takeUp(lastAlive)).toEqual({ told: [`raise failure:${job}`], begun: [2] });
});

test('one that failed before, and was told, is tried again all the same', () => {
  playRun({ status: 'failed', exit: 11 });
  time.skip(minute);
  expect(takeUp(time.clock.now())).toEqual({ told: [], begun: [2] });
});

test('one that was tried as often as it should is left alone', () => {
  for (let attempt = 1; attempt <= 2; attempt++) playRun({ status: 'failed', exit: 1 });
  expect(takeUp(time.clock.now())).toEqual({ told: [], begun: [] });
});

test('one that was well while no daemon was there ends its alarms', () => {
  const lastAlive = time.clock.now();
  playRun({ status: 'done', exit: 0 });
  const ends = ['failure', 'missed', 'lock'].map((kind) => `resolve ${kind}:${job}`);
  expect(takeUp(lastAlive)).toEqual({ told: [...ends, `raise success:${job}`], begun: [] });
});

test('what somebody ended is not made again, and a later run with the same process number is', () => {
  const began = time.clock.now();
  playRun({ status: 'interrupted', exit: 130 });
  noteCancelled(catalogNow(), configuration().file, nobody, { began, ended: time.clock.now() });
  expect(takeUp(time.clock.now()).begun).toEqual([]);
  time.skip(minute);
  playRun({ status: 'interrupted' });
  expect(takeUp(time.clock.now())).toEqual({ told: [`raise daemon:interrupted:${job}`], begun: [3] });
});

/** A run of ten minutes, as its own process notes it. */
function playRun(result: RunResult): void {
  const due = new Date('2027-03-01T02:00:00Z');
  const began = time.clock.now();
  const handle = catalogNow().beginRun({
    kind: 'backup',
    trigger: 'schedule',
    configuration: configuration().file,
    job,
    due,
    began,
    pid: nobody,
  });
  time.skip(10 * minute);
  handle.end(result);
}

/** What is told, and which attempts are begun. */
function takeUp(lastAlive: Date): { readonly told: readonly string[]; readonly begun: readonly number[] } {
  const [told, begun]: [string[], number[]] = [[], []];
  const { clock, timers } = time;
  const ledger = openLedger(catalogNow(), configuration().file, clock);
  const startRun = playRuns(
    time,
    () => ({ outcome: { status: 0, problems: [] }, takesMs: minute }),
    ({ attempt }) => begun.push(attempt),
  );
  const scheduler = new Scheduler({ clock, timers, ledger, startRun, tell: () => {}, sliceOf: () => 0 });
  scheduler.setJobs(planJobs(configuration()));
  const tell = (message: Message): void => void told.push('raise' in message ? `raise ${message.raise.key}` : `resolve ${message.resolve}`);
  takeUpEarlierRuns({ catalog: catalogNow(), configuration: configuration(), scheduler, ledger, clock, tell, lastAlive });
  time.dropTimers();
  return { told, begun };
}

function catalogNow(): Catalog {
  if (catalog === undefined) throw new Error('there is no catalog');
  return catalog;
}

function configuration(): Configuration {
  const text =
    'application: shop\ntimezone: UTC\nrepositories: { local: /nowhere }\ncomponents: { uploads: { files: uploads, schedule: 0 2 * * * } }\nmaintenance: { check: never }\n';
  const parsed = parseConfiguration(text, { file: '/srv/shop/holdfast.yaml', environment: {} });
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join('; '));
  return parsed.configuration;
}
