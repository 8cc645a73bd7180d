/** The points that simulated backups make, pruned by the real planner, as `holdfast prune --yes` would. */
import type { Configuration } from '../../../src/config/configuration.ts';
import { planForget } from '../../../src/operations/forget-plan.ts';
import type { Point } from '../../../src/operations/points.ts';
import { idOfRun, pointsOf, snapshotsOfRun } from '../../../src/operations/retention/testing/made-up-points.ts';
import { offsetAt } from './naive-calendar.ts';
import type { NaivePoint } from './naive-retention.ts';

const [minute, day] = [60_000, 86_400_000];
const [fullEvery, mostIncrements] = [7 * day, 14];

interface Kept {
  readonly naive: NaivePoint;
  readonly point: Point;
}

/** One of a configuration's repositories. */
class SimulatedRepository {
  readonly name: string;
  readonly keep: NonNullable<Configuration['repositories'][number]['keep']>;
  points: readonly Kept[] = [];
  /** Plans in a row that would have removed too much to be carried out unasked. */
  held = 0;

  constructor({ name, keep = {} }: Configuration['repositories'][number]) {
    this.name = name;
    this.keep = keep;
  }
}

export class SimulatedRepositories {
  readonly list: readonly SimulatedRepository[];
  /** Every point that was ever made. */
  readonly made: NaivePoint[] = [];
  /** Ids of the points that drills have proved, by component. */
  readonly proven = new Map<string, string[]>();
  readonly #configuration: Configuration;
  #chain: { readonly from: number; readonly runs: number[] } | undefined;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
    this.list = configuration.repositories.map((repository) => new SimulatedRepository(repository));
  }

  /** A backup brings its copies along. Clocks show the zone of the schedules. */
  backUp(components: readonly string[], time: Date): void {
    const run = this.made.length;
    const hasBase = this.#configuration.components.some(({ name, source }) => components.includes(name) && source.kind === 'postgres-base');
    const bases = this.#configuration.components.filter(
      ({ partOf, source }) => partOf !== undefined && components.includes(partOf) && source.kind === 'postgres-base',
    );
    const names = [...components, ...(hasBase || bases.length > 0 ? ['base'] : [])];
    const needs = names.includes('base') ? this.#baseOf(run, time.getTime()) : [];
    const offset = offsetAt(time.getTime(), this.#configuration.timezone ?? 'UTC');
    const sign = offset < 0 ? '-' : '+';
    const zone = new Date(Math.abs(offset)).toISOString().slice(11, 16);
    const shown = `${new Date(time.getTime() + offset).toISOString().slice(0, -1)}${sign}${zone}`;
    const snapshots = snapshotsOfRun({ time, components: names, needs, application: this.#configuration.application }, run).map(
      (loaded) => ({
        ...loaded,
        snapshot: { ...loaded.snapshot, time: shown },
      }),
    );
    const [point] = pointsOf(snapshots);
    if (point === undefined) throw new Error('a point was expected');
    const needed = needs.flatMap((each) => this.made[each]?.id ?? []);
    const naive = { id: point.id, time: time.getTime(), offset, components: names, needs: needed };
    this.made.push(naive);
    for (const repository of this.list) repository.points = [...repository.points, { naive, point }];
  }

  /** A restore of the newest point of each component proves it. */
  drill(components: readonly string[], now: Date): void {
    const past = this.made.filter(({ time }) => time <= now.getTime()).toSorted((a, b) => b.time - a.time);
    const named = components.length === 0 ? [...new Set(past.flatMap((point) => point.components))] : components;
    for (const name of named.map((each) => (each.endsWith('-base') ? 'base' : each))) {
      const newest = past.find((point) => point.components.includes(name));
      if (newest !== undefined) this.proven.set(name, [...(this.proven.get(name) ?? []), newest.id]);
    }
  }

  /** False where so much would go that somebody has to look first: they do after two days, if the clock is right. */
  prune(name: string, now: Date, isLooked: boolean): boolean {
    const repository = this.list.find((each) => each.name === name);
    if (repository === undefined) throw new Error(`there is no ${name}`);
    const points = repository.points.map(({ point }) => point).toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
    const proven = new Set([...this.proven].flatMap(([component, ids]) => ids.flatMap((id) => this.#snapshotOf(id, component))));
    const plan = planForget(points, { policy: repository.keep, by: { host: true, paths: true }, now, proven });
    repository.held = plan.isLarge ? repository.held + 1 : 0;
    if (plan.isLarge && !(isLooked && repository.held > 2)) return false;
    const going = new Set(plan.remove);
    repository.points = repository.points.filter(({ point }) => !point.components.some(({ id }) => going.has(id)));
    return true;
  }

  #snapshotOf(pointId: string, component: string): string[] {
    const run = this.made.findIndex(({ id }) => id === pointId);
    return [idOfRun(run, component)];
  }

  /** The runs that a base backup builds on: a full one each week, changed pages in between. */
  #baseOf(run: number, time: number): readonly number[] {
    const chain = this.#chain;
    const isFull = chain === undefined || Math.abs(time - chain.from) >= fullEvery - 30 * minute || chain.runs.length > mostIncrements;
    if (isFull) this.#chain = { from: time, runs: [run] };
    const needs = isFull ? [] : [...chain.runs];
    if (!isFull) chain.runs.push(run);
    return needs;
  }
}
