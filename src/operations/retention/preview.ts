/** What rules would leave on a later day, if points went on being made: made-up points, judged by the real planner. */
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError } from '../../errors.ts';
import { filterPoints } from '../find-point.ts';
import { planForget, type ForgetPlan, type RetentionRules } from '../forget-plan.ts';
import { type LockChoice, withReadLock } from '../open-session.ts';
import { componentNames, isOwnPoint, loadPoints, type Point } from '../points.ts';
import type { ForgetByRules } from '../prune.ts';
import { findHeld, readHolds } from './holds.ts';

const dayMs = 86_400_000;
const mostDays = 36_600;
/** What was made no longer ago than this, before the newest point, is still being made. */
const recentMs = 7 * dayMs;

export interface Preview {
  readonly at: Date;
  readonly plan: ForgetPlan;
  /** Ids of the points that were made up. */
  readonly madeUp: ReadonlySet<string>;
}

/** Nothing is changed. Throws `usage` for a day that is over, or too far away. */
export function preview(
  repository: Repository,
  { forget, at, lock }: { readonly forget: ForgetByRules; readonly at: Date; readonly lock: LockChoice },
  context: RunContext,
): Promise<Preview> {
  return withReadLock({
    repository,
    lock,
    context,
    work: async () => {
      const points = await loadPoints(repository);
      const now = repository.clock.now();
      const { filter, ...rules } = forget;
      const counted = filterPoints(points, filter);
      const others = points.filter((point) => !counted.includes(point));
      // What is held until an earlier day is judged as anything else then.
      const held = findHeld(points, await readHolds(repository), at);
      const { findSuspects } = await import('./suspect-snapshots.ts');
      const suspect = await findSuspects(repository, points, context.events);
      return previewForget(counted, { ...rules, now, others, held, suspect }, at);
    },
  });
}

/** What would stay at that time, were the newest points made anew every day from now on. Pure. */
export function previewForget(points: readonly Point[], rules: RetentionRules, at: Date): Preview {
  const days = Math.floor((at.getTime() - rules.now.getTime()) / dayMs);
  if (days < 0 || days > mostDays)
    throw new HoldfastError('usage', { reason: 'the day of a preview is in the next hundred years', help: 'holdfast prune --help' });
  const templates = findTemplates(points, rules.now);
  const madeUp = Array.from({ length: days }, (_, day) =>
    templates.map((template, index) =>
      copyPoint(template, day * templates.length + index, new Date(rules.now.getTime() + (day + 1) * dayMs)),
    ),
  ).flat();
  // What a rule has removed it never wants back: so one plan at the end tells the same as one every day.
  const plan = planForget([...points, ...madeUp], { ...rules, now: at, suspect: withCopies(rules.suspect, templates, madeUp) });
  return { at, plan, madeUp: new Set(madeUp.map(({ id }) => id)) };
}

/** What is missing now is missing in what is made anew, as long as nobody accepts it. */
function withCopies(suspect: RetentionRules['suspect'], templates: readonly Point[], madeUp: readonly Point[]): Map<string, string> {
  const all = new Map(suspect);
  for (const [number, { components }] of madeUp.entries())
    for (const [index, { id }] of components.entries()) {
      const name = all.get(templates[number % templates.length]?.components[index]?.id ?? '');
      if (name !== undefined) all.set(id, name);
    }
  return all;
}

/** The newest of each kind of point that is still being made. */
function findTemplates(points: readonly Point[], now: Date): Point[] {
  const past = points
    .filter((point) => isOwnPoint(point) && Date.parse(point.time) <= now.getTime())
    .toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time));
  const whole = past.filter(({ status }) => status === 'complete');
  const chosen = whole.length > 0 ? whole : past;
  const newest = Date.parse(chosen[0]?.time ?? '');
  const kinds = Map.groupBy(chosen, (point) => JSON.stringify([point.host, componentNames(point).toSorted()]));
  return [...kinds.values()].flatMap((kind) => kind.slice(0, 1)).filter(({ time }) => Date.parse(time) > newest - recentMs);
}

/** It builds on nothing, and was compared with nothing. */
function copyPoint(template: Point, number: number, time: Date): Point {
  const text = time.toISOString();
  const components = template.components.map(({ snapshot, tags: { component, kind, application, point, parts, own } }, index) => ({
    id: `${number.toString(16).padStart(12, '0')}${index.toString(16).padStart(4, '0')}`.padEnd(64, '0'),
    snapshot: {
      time: text,
      tree: snapshot.tree,
      paths: snapshot.paths,
      ...(snapshot.hostname === undefined ? {} : { hostname: snapshot.hostname }),
      ...(snapshot.tags === undefined ? {} : { tags: snapshot.tags }),
    },
    tags: {
      component,
      kind,
      parts,
      own,
      ...(application === undefined ? {} : { application }),
      ...(point === undefined ? {} : { point }),
    },
  }));
  return { ...template, id: components[0]?.id ?? '', time: text, components };
}
