/**
 * A year of each example in simulated time, with machines that are off, daemons that are killed, runs that fail, hang and go on, clocks that are
 * set, and people who cannot be reached: whatever is due is run or people are told, what they are told is so, nothing is run twice, and at the end
 * there are the points that the rules keep. HOLDFAST_SEED plays other years; HOLDFAST_DAYS makes them shorter.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { parse, stringify } from 'yaml';
import { projectRoot } from '../../../scripts/run-program.ts';
import type { Configuration } from '../../../src/config/configuration.ts';
import { parseConfiguration } from '../../../src/config/parse-configuration.ts';
import { type PlannedJob, planJobs } from '../../../src/operations/jobs/plan-jobs.ts';
import { seededChance } from '../../simulation/seeded-chance.ts';
import { countRetained, type Retained } from './count-retained.ts';
import { findDoubles, judgeJob, type Year } from './judge-year.ts';
import { keptByTable } from './naive-retention.ts';
import { playYear } from './play-year.ts';
import { SimulatedHost } from './simulated-host.ts';
import { startReceiver } from './simulated-receiver.ts';

const hour = 3_600_000;
const seed = Number(process.env['HOLDFAST_SEED'] ?? 1);
const days = Number(process.env['HOLDFAST_DAYS'] ?? 366);
const begin = new Date('2027-01-15T11:00:00Z');
const examples = globSync('examples/*/holdfast.yaml', { cwd: projectRoot }).toSorted();

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'holdfast-year-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('there are five examples', () => expect(examples).toHaveLength(5));

test.each(examples)(`${days} days of %s (HOLDFAST_SEED=${seed})`, { timeout: 600_000 }, async (file) => {
  const receiver = await startReceiver();
  const configuration = await readExample(file, receiver.url);
  const jobs = planJobs(configuration);
  const ownSeed = seed + examples.indexOf(file);
  const host = new SimulatedHost(configuration, { folder, begin, chance: seededChance(ownSeed + 1000), receiver });
  try {
    let early: Retained | undefined;
    const look = async (): Promise<void> => void (early = await countRetained(host));
    const befallen = await playYear(host, { days, receiver, chance: seededChance(ownSeed), at: { day: 30, look } });
    const year: Year = { host, heard: receiver.heard, begin: begin.getTime(), ...befallen };
    expect(jobs.flatMap((job) => judgeJob(job, year))).toEqual([]);
    expect(findDoubles(host)).toEqual([]);
    expectDrills(jobs, year);
    // Prunes of the days when the clock was wrong have left no trace after a year.
    if (days >= 366) expectPoints(host, configuration);
    expectNothingGrown(early, await countRetained(host), jobs);
    expectEnoughHappened(host);
  } finally {
    host.close();
    await receiver.stop();
  }
});

/** In the example's own zone, or with hours of Berlin, so that the clock is changed twice. */
async function readExample(file: string, url: string): Promise<Configuration> {
  const path = join(projectRoot, file);
  const written = z.record(z.string(), z.unknown()).parse(parse(await readFile(path, 'utf8')));
  const text = stringify({ timezone: 'Europe/Berlin', ...written, notify: [{ name: 'people', webhook: url }] });
  const parsed = parseConfiguration(text, { file: path, environment: {}, unsetVariables: 'keep' });
  if ('problems' in parsed) throw new Error(`${dirname(file)}: ${parsed.problems.map(({ message }) => message).join('; ')}`);
  return parsed.configuration;
}

/** Each within a day of its time, unless the machine was off or people were told; that is judged with all other jobs. */
function expectDrills(jobs: readonly PlannedJob[], { host }: Year): void {
  for (const { id } of jobs.filter(({ kind }) => kind === 'drill')) {
    const well = host.runs.filter((run) => run.jobs.includes(id) && run.status === 0 && !run.astray);
    const most = { 'drill:monthly': 12, 'drill:quarterly': 4, 'drill:yearly': 1 }[id] ?? 0;
    expect([id, well.length]).toEqual([id, expect.toSatisfy((times: number) => times > (most * days) / 366 / 2 - 1)]);
  }
}

/** After a last prune there is what the table says of all points that were ever made, no less and no more. */
function expectPoints({ repositories, time }: SimulatedHost, { repositories: configured }: Configuration): void {
  const now = time.clock.now();
  for (const { name, keep } of repositories.list) {
    expect(repositories.prune(name, now, true)).toBe(true);
    const kept = keptByTable(repositories.made, configured.find((each) => each.name === name)?.keep ?? {}, {
      now: now.getTime(),
      proven: repositories.proven,
    });
    const sayAll = (ids: ReadonlySet<string>): string[] =>
      repositories.made.flatMap(({ id, time: made, components }) =>
        ids.has(id) ? [`${new Date(made).toISOString()} ${components.join()}`] : [],
      );
    const left = new Set(repositories.list.find((each) => each.name === name)?.points.map(({ naive }) => naive.id));
    expect([name, keep, sayAll(left)]).toEqual([name, keep, sayAll(kept)]);
  }
}

/** The history alone grows, by what docs/history.md says. */
function expectNothingGrown(early: Retained | undefined, late: Retained, jobs: readonly PlannedJob[]): void {
  for (const { 'rows of runs': runs = 0, ...others } of [early ?? {}, late]) {
    expect(Object.keys(others)).toEqual(expect.arrayContaining(['timers', '#waiting', '#told', 'rows of schedules', 'rows of notes']));
    expect(Object.entries(others).filter(([, count]) => count > 2 * jobs.length + 10)).toEqual([]);
    expect(runs).toBeLessThanOrEqual(100_000);
  }
}

/** A year in which nothing happened would say nothing. */
function expectEnoughHappened({ runs, off, clockSets }: SimulatedHost): void {
  const endings = new Set(runs.map(({ status }) => status));
  expect([...endings]).toEqual(expect.arrayContaining([0, 1, 11, 130, 'killed']));
  expect(Math.min(off.length, clockSets.length)).toBeGreaterThan(days / 40);
  expect(off.some(({ from, to }) => to - from > 12 * hour)).toBe(true);
}
