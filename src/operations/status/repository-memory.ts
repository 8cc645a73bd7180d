/** What a host remembers of a repository, so that it notices what no program of its own did: another repository in its place, points that are gone. Pure. */
import { z } from 'zod';
import type { StandingChange } from './standing-change.ts';

const moment = z.iso.datetime();
const moments = z.array(z.number()).max(10_000);
const reach = z.object({
  /** The newest moment that could be restored, in milliseconds. */
  furthest: z.number(),
  /** The newest that can be now, and since when that is less. */
  lost: z.object({ now: z.number(), at: moment }).optional(),
});

export const repositoryMemorySchema = z.object({
  /** Its id. */
  id: z.string().max(1000),
  /** When this was remembered. */
  at: moment,
  /** When its captures were made, in milliseconds: a snapshot that is tagged anew gets another id, and keeps its time. */
  captures: moments,
  /** Of the one that was there before. */
  replaced: z.object({ id: z.string().max(1000), captures: moments, at: moment }).optional(),
  gone: z.object({ captures: moments, at: moment }).optional(),
  /** By component. */
  reach: z.record(z.string().max(1000), reach).optional(),
});

export type RepositoryMemory = z.infer<typeof repositoryMemorySchema>;

export interface SeenRepository {
  /** In the configuration. */
  readonly name: string;
  readonly id: string;
  readonly captures: readonly number[];
  /** By component: the newest moment that can be restored, the write-ahead log included. */
  readonly reach: Readonly<Record<string, number>>;
}

/** What somebody may have meant is told for so long. */
export const toldForMs = 7 * 86_400_000;
const mostRemembered = 2000;

/** Captures that were there, and are not any more. */
export function findGone({ id, captures }: RepositoryMemory, seen: SeenRepository): readonly number[] {
  if (id !== seen.id) return [];
  const there = new Set(seen.captures);
  return captures.filter((capture) => !there.has(capture));
}

/**
 * What is to be remembered from now on.
 * @param isMeant somebody deleted points with holdfast since then
 */
export function remember(before: RepositoryMemory | undefined, seen: SeenRepository, now: Date, isMeant: boolean): RepositoryMemory {
  const at = now.toISOString();
  const known = before?.id === seen.id ? before.reach : undefined;
  const next = { id: seen.id, at, captures: seen.captures.slice(-mostRemembered), reach: rememberReach(known, seen, now, isMeant) };
  if (before === undefined) return next;
  if (before.id !== seen.id) {
    const { replaced } = before;
    // The old one is back: it has what it had.
    if (replaced?.id === seen.id) return remember({ id: replaced.id, at: replaced.at, captures: replaced.captures }, seen, now, isMeant);
    return { ...next, replaced: { id: before.id, captures: before.captures, at } };
  }
  const there = new Set(seen.captures);
  const missing = [...(before.gone?.captures ?? []), ...(isMeant ? [] : findGone(before, seen))].filter((capture) => !there.has(capture));
  const since = before.gone?.at ?? at;
  return {
    ...next,
    ...(before.replaced !== undefined && isFresh(before.replaced.at, now) ? { replaced: before.replaced } : {}),
    ...(missing.length > 0 && isFresh(since, now) ? { gone: { captures: [...new Set(missing)], at: since } } : {}),
  };
}

/** What was once within reach stays so: a log only grows, and a base backup that goes leaves a later one. */
function rememberReach(
  known: RepositoryMemory['reach'] = {},
  seen: SeenRepository,
  now: Date,
  isMeant: boolean,
): NonNullable<RepositoryMemory['reach']> {
  const entries = Object.entries(seen.reach).map(([component, reached]): [string, z.infer<typeof reach>] => {
    const before = known[component];
    if (before === undefined || reached >= before.furthest || isMeant) return [component, { furthest: reached }];
    const at = before.lost?.at ?? now.toISOString();
    return [component, isFresh(at, now) ? { furthest: before.furthest, lost: { now: reached, at } } : { furthest: reached }];
  });
  return Object.fromEntries(entries);
}

/** What people are to know of it. */
export function changesOf({ replaced, gone, captures, reach: reached = {} }: RepositoryMemory, name: string): readonly StandingChange[] {
  const changes: StandingChange[] = [];
  if (replaced !== undefined)
    changes.push({
      kind: 'repository-replaced',
      repository: name,
      severity: 'critical',
      since: replaced.at,
      sentence: `the repository ${name} is another one than before: it has ${count(captures.length)}, and the one that was there had ${count(replaced.captures.length)}. Is its disk mounted, and its address right?`,
    });
  if (gone !== undefined)
    changes.push({
      kind: 'points-gone',
      repository: name,
      severity: 'warning',
      since: gone.at,
      sentence: `${count(gone.captures.length)} of ${timesOf(gone.captures)} are gone from the repository ${name}, and holdfast did not delete them`,
    });
  for (const [component, { furthest, lost }] of Object.entries(reached))
    if (lost !== undefined)
      changes.push({
        kind: 'log-lost',
        component,
        repository: name,
        severity: 'critical',
        since: lost.at,
        sentence: `${component} could be restored to every moment until ${timeOf(furthest)} from the repository ${name}, and now only until ${timeOf(lost.now)}: the write-ahead log behind that is gone, and holdfast did not delete it. Make a base backup now: holdfast backup ${component}`,
      });
  return changes;
}

function isFresh(since: string, now: Date): boolean {
  return now.getTime() - Date.parse(since) < toldForMs;
}

function count(captures: number): string {
  return captures === 1 ? '1 snapshot' : `${captures} snapshots`;
}

function timesOf(captures: readonly number[]): string {
  const [first, last] = [timeOf(Math.min(...captures)), timeOf(Math.max(...captures))];
  return first === last ? first : `${first} to ${last}`;
}

function timeOf(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}
