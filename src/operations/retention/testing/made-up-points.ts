/** Points that were never made, as a repository would list them. */
import { hash } from 'node:crypto';
import type { LoadedSnapshot } from '../../../engine/snapshots/load-snapshots.ts';
import { writeTags } from '../../point-tags.ts';
import { groupPoints, type Point } from '../../points.ts';

/** One run of a backup. */
export interface MadeUpRun {
  readonly time: Date;
  readonly host?: string;
  readonly application?: string;
  /** What it set out to save, and what of it became a snapshot. */
  readonly components: readonly string[];
  readonly failed?: readonly string[];
  /** Numbers of earlier runs that its component `base` builds on. */
  readonly needs?: readonly number[];
  /** The number of the run that its files were compared with. */
  readonly parent?: number;
  readonly tags?: readonly string[];
  /** With a manifest, as a configured application has. */
  readonly manifest?: boolean;
}

/** The id of a component's snapshot of the run of that number. */
export function idOfRun(run: number, component: string): string {
  return hash('sha256', `${run} ${component}`);
}

/** The snapshots of these runs, in any order. */
export function makeSnapshots(runs: readonly MadeUpRun[]): LoadedSnapshot[] {
  return runs.flatMap(snapshotsOfRun);
}

/** The snapshots of the run of that number. */
export function snapshotsOfRun(
  { time, host = 'web1', application, components, failed = [], needs = [], parent, tags = [], manifest = false }: MadeUpRun,
  number: number,
): LoadedSnapshot[] {
  const saved = [...components.filter((name) => !failed.includes(name)), ...(manifest ? ['point'] : [])];
  const leader = saved[0];
  return saved.map((component): LoadedSnapshot => {
    const kind = component === 'point' ? 'point' : component === 'base' ? 'postgres-base' : 'files';
    return {
      id: idOfRun(number, component),
      snapshot: {
        time: time.toISOString(),
        tree: '0'.repeat(64),
        paths: [`/${component}`],
        hostname: host,
        ...(parent === undefined ? {} : { parent: idOfRun(parent, component) }),
        tags: writeTags({
          component,
          kind,
          parts: components.length + (manifest ? 1 : 0),
          own: tags,
          ...(application === undefined ? {} : { application }),
          ...(component === leader || leader === undefined ? {} : { point: idOfRun(number, leader) }),
          ...(component === 'base' ? { needs: needs.map((run) => idOfRun(run, 'base')) } : {}),
        }),
      },
    };
  });
}

/** The points that they make. */
export function makePoints(runs: readonly MadeUpRun[]): Point[] {
  return pointsOf(makeSnapshots(runs));
}

/** As `loadPoints` does it. */
export function pointsOf(snapshots: readonly LoadedSnapshot[]): Point[] {
  const dated = snapshots.map((each) => ({ each, time: Date.parse(each.snapshot.time) }));
  return groupPoints(dated.toSorted((a, b) => a.time - b.time || (a.each.id < b.each.id ? -1 : 1)).map(({ each }) => each));
}
