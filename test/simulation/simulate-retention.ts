/**
 * Ten years of backups that never were, judged every day by the real planner: days that fail, points of which a component is missing, weeks in which
 * the machine is off, clocks that jump years ahead and back. Run as a program, it writes the table into docs/retention.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { planForget, type ForgetPlan } from '../../src/operations/forget-plan.ts';
import { nameSnapshots } from '../../src/operations/point-needs.ts';
import type { Point } from '../../src/operations/points.ts';
import { pointsOf, snapshotsOfRun, type MadeUpRun } from '../../src/operations/retention/testing/made-up-points.ts';
import { seededChance } from './seeded-chance.ts';
import { simulatedSystems, type SimulatedSystem } from './simulated-systems.ts';

const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1, 2);
export const years = 10;

interface YearEnd {
  readonly points: number;
  /** Those among them that a clock that was wrong has dated. */
  readonly misdated: number;
  /** Days. */
  readonly oldest: number;
  /** Days between two neighbours, or since the newest: the longest there is. */
  readonly largestGap: number;
}

export interface Simulation {
  readonly system: SimulatedSystem;
  readonly yearEnds: readonly YearEnd[];
  /** Days on which a plan was too large to be done unattended. */
  readonly refusals: number;
  /** What was lost that must not be: empty. */
  readonly losses: readonly string[];
}

interface Day {
  readonly isOff: boolean;
  readonly failed: boolean;
  readonly partial: boolean;
  /** How far the machine's clock is from the truth. */
  readonly clockMs: number;
}

/** What befalls the machine, the same for every system. */
function makeDays(): Day[] {
  const chance = seededChance(5);
  let [off, ahead, behind] = [0, 0, 0];
  return Array.from({ length: years * 365 + 3 }, (): Day => {
    if (off === 0 && chance() < 2 / 365) off = 5 + Math.floor(chance() * 25);
    if (ahead === 0 && chance() < 1 / 500) ahead = 1 + Math.floor(chance() * 3);
    if (behind === 0 && chance() < 1 / 500) behind = 1 + Math.floor(chance() * 5);
    const isOff = off > 0;
    const clockMs = ahead > 0 ? 3 * 365 * dayMs : behind > 0 ? -2 * 365 * dayMs : 0;
    [off, ahead, behind] = [off, ahead, behind].map((left) => Math.max(0, left - 1)) as [number, number, number];
    return { isOff, failed: chance() < 0.03, partial: chance() < 0.04, clockMs };
  });
}

/** One system, day by day. */
export function simulate(system: SimulatedSystem): Simulation {
  const state: State = { system, runs: [], truth: new Map(), runOf: new Map(), points: [], full: -1, chain: [] };
  const yearEnds: YearEnd[] = [];
  const losses: string[] = [];
  let [refusals, waiting] = [0, 0];
  for (const [number, day] of makeDays().entries()) {
    const trueTime = start + number * dayMs;
    if (!day.isOff) {
      const now = new Date(trueTime + day.clockMs + 3_600_000);
      if (!day.failed) addPoints(state, number, day);
      const { points } = state;
      const plan = planPoints(points, system, now);
      losses.push(...findLosses(points, plan, now).map((loss) => `day ${number}: ${loss}`));
      // Somebody looks after a week of plans that were held back, unless the clock is wrong: that is seen first.
      waiting = plan.isLarge ? waiting + 1 : 0;
      if (plan.isLarge && (waiting <= 7 || day.clockMs !== 0)) refusals += 1;
      else state.points = withoutSnapshots(points, new Set(plan.remove));
    }
    if ((number + 1) % 365 === 0 && yearEnds.length < years) yearEnds.push(measure(state, trueTime));
  }
  return { system, yearEnds, refusals, losses };
}

interface State {
  readonly system: SimulatedSystem;
  readonly runs: MadeUpRun[];
  /** When a snapshot was really made, and in which run. */
  readonly truth: Map<string, number>;
  readonly runOf: Map<string, number>;
  /** Oldest first, as `loadPoints` gives them. */
  points: Point[];
  /** The day of the last full base backup, and the runs that build on each other since. */
  full: number;
  chain: number[];
}

function addPoints(state: State, number: number, day: Day): void {
  const { system, runs } = state;
  const trueTime = start + number * dayMs;
  for (const [index, components] of system.pointsOn(number).entries()) {
    const run = runs.length;
    const isFull = system.fullEvery !== undefined && (state.full < 0 || number - state.full >= system.fullEvery);
    if (isFull) [state.full, state.chain] = [number, []];
    const newest = state.points.at(-1)?.components[0]?.id;
    const parent = newest === undefined ? undefined : state.runOf.get(newest);
    const failed = day.partial && components.length > 1 ? components.slice(-1) : [];
    const made: MadeUpRun = {
      time: new Date(trueTime + day.clockMs + index * 60_000),
      application: 'app',
      components,
      failed,
      manifest: system.own !== undefined,
      needs: system.fullEvery === undefined ? [] : [...state.chain],
      ...(parent === undefined ? {} : { parent }),
    };
    runs.push(made);
    if (system.fullEvery !== undefined) state.chain.push(run);
    const snapshots = snapshotsOfRun(made, run);
    for (const { id } of snapshots) {
      state.truth.set(id, trueTime);
      state.runOf.set(id, run);
    }
    state.points = [...state.points, ...pointsOf(snapshots)].toSorted((one, other) => Date.parse(one.time) - Date.parse(other.time));
  }
}

/** What is left of these points. */
function withoutSnapshots(points: readonly Point[], going: ReadonlySet<string>): Point[] {
  if (going.size === 0) return [...points];
  return points.flatMap((point) => {
    const left = point.components.filter(({ id }) => !going.has(id));
    if (left.length === point.components.length) return [point];
    return pointsOf(left);
  });
}

function planPoints(points: readonly Point[], { policy, own }: SimulatedSystem, now: Date): ForgetPlan {
  const components = own === undefined ? undefined : { application: 'app', policies: new Map(Object.entries(own)) };
  return planForget(points, { policy, by: { host: true, paths: true }, components, now });
}

/** The newest whole point of the past, and what anything that stays needs, must never go. */
function findLosses(points: readonly Point[], plan: ForgetPlan, now: Date): string[] {
  const going = new Set(plan.remove);
  const whole = points.findLast(({ status, time }) => status === 'complete' && Date.parse(time) <= now.getTime());
  const named = nameSnapshots(points.flatMap(({ components }) => components));
  const needed = points
    .flatMap(({ components }) => components)
    .filter(({ id, tags }) => !going.has(id) && (tags.needs ?? []).some((need) => going.has(named.get(need)?.id ?? '')));
  return [
    ...(whole?.components.some(({ id }) => going.has(id)) === true ? [`the newest whole point, of ${whole.time}`] : []),
    ...needed.map(({ id }) => `what ${id.slice(0, 8)} needs`),
  ];
}

function measure({ points, truth }: State, trueTime: number): YearEnd {
  const isRight = ({ components, time }: Point): boolean => Math.abs((truth.get(components[0]?.id ?? '') ?? 0) - Date.parse(time)) < dayMs;
  const times = points.filter(isRight).map(({ time }) => Date.parse(time));
  const days = (ms: number): number => Math.round(ms / dayMs);
  const gaps = [...times, trueTime].map((time, index, list) => days(time - (list[index - 1] ?? time)));
  return {
    points: points.length,
    misdated: points.length - times.length,
    oldest: days(trueTime - (times[0] ?? trueTime)),
    largestGap: Math.max(...gaps),
  };
}

const shownYears = [1, 2, 5, 10];

/** The table in docs/retention.md. */
export function renderSimulations(simulations: readonly Simulation[]): string {
  const head = `| system | keep | ${shownYears.map((year) => `points after ${year} y`).join(' | ')} | wrongly dated | oldest | largest gap | plans held back |`;
  const rows = simulations.map(({ system, yearEnds, refusals }) => {
    const last = yearEnds.at(-1);
    const counts = shownYears.map((year) => String(yearEnds[year - 1]?.points ?? '')).join(' | ');
    return `| ${system.name} | ${wordsOf(system)} | ${counts} | ${last?.misdated ?? ''} | ${last?.oldest ?? ''} d | ${last?.largestGap ?? ''} d | ${refusals} |`;
  });
  return [head, `|${'---|'.repeat(shownYears.length + 6)}`, ...rows].join('\n');
}

function wordsOf({ policy, own = {} }: SimulatedSystem): string {
  const words = (rules: object): string =>
    Object.entries(rules)
      .map(([name, count]) => `${name} ${String(count)}`)
      .join(', ');
  return [words(policy), ...Object.entries(own).map(([name, rules]) => `${name}: ${words(rules)}`)].join('; ');
}

export const page = fileURLToPath(new URL('../../docs/retention.md', import.meta.url));
const [begin, end] = ['<!-- simulation: begin (written by test/simulation/simulate-retention.ts) -->', '<!-- simulation: end -->'];

/** The page with this table. Throws where its marks are missing. */
export function withTable(text: string, table: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error('docs/retention.md has no marks for the table of the simulation');
  return `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`;
}

if (import.meta.main) {
  const text = await readFile(page, 'utf8');
  const changed = withTable(text, renderSimulations(simulatedSystems.map(simulate)));
  await writeFile(page, changed);
  process.stdout.write(changed === text ? 'docs/retention.md is as it was\n' : 'docs/retention.md is written\n');
}
