/**
 * Points that somebody holds on to: a sealed object each, beside the repository's own format, so that a hold outlives the machine it was made on and
 * is not a tag that a copy or a rewrite loses. Every one of them is under `holdfast/holds/`, named after the point it holds.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import { findPoint } from '../find-point.ts';
import { type LockChoice, withLock, withReadLock } from '../open-session.ts';
import { lastingName, nameSnapshots } from '../point-needs.ts';
import type { PointRequest } from '../point-request.ts';
import { loadPoints, type Point } from '../points.ts';

export interface Hold {
  /** Its object: `holds/1a2b3c4d5e6f7081-0f3a5b7c`. */
  readonly name: string;
  /** What its snapshots are called, wherever they are copied. */
  readonly snapshots: readonly string[];
  /** When it was made; absent where its record cannot be read. */
  readonly created?: Date;
  readonly reason?: string;
  /** It ends then; absent: when it is released. */
  readonly until?: Date;
  /** Its record cannot be read: it holds the point that it is named after all the same, for good. */
  readonly problem?: string;
}

const folder = 'holds/';
const nameForm = /^holds\/([0-9a-f]{16})-[0-9a-f]{8}$/;
const mostHolds = 100_000;
const longestReason = 1000;

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const recordSchema = z.object({
  snapshots: z.array(z.string().regex(/^[0-9a-f]{16}$/)).max(100_000),
  created: time,
  reason: z.string().max(longestReason).optional(),
  until: time.optional(),
});

/** Every hold, the newest last. One whose record is damaged holds all the same. Throws what the storage throws. */
export async function readHolds(repository: Repository): Promise<Hold[]> {
  const objects = openSealedObjects(repository);
  const holds: Hold[] = [];
  for await (const { name } of objects.list(folder)) {
    const [, point] = nameForm.exec(name) ?? [];
    if (point === undefined) continue;
    if (holds.length === mostHolds) throw repository.damaged(`holdfast/${folder}`, `it has more than ${mostHolds} holds`);
    try {
      const { body } = await objects.get(name);
      const { snapshots, created, reason, until } = recordSchema.parse(JSON.parse(body.toString('utf8')));
      holds.push({
        name,
        snapshots: [...new Set([point, ...snapshots])],
        created,
        ...(reason === undefined ? {} : { reason }),
        ...(until === undefined ? {} : { until }),
      });
    } catch (error) {
      if (isError(error, 'storage-missing')) continue; // released meanwhile
      if (error instanceof HoldfastError && !isError(error, 'damaged')) throw error;
      holds.push({ name, snapshots: [point], problem: reasonOf(error) });
    }
  }
  return holds.toSorted((a, b) => (a.created?.getTime() ?? 0) - (b.created?.getTime() ?? 0) || (a.name < b.name ? -1 : 1));
}

/** Its record. Of one that cannot be read nothing is known but the point: it is made anew, of `now`, and holds for good. */
export function encodeHold({ snapshots, created, reason, until, problem }: Hold, now: Date): Uint8Array {
  const why = problem === undefined ? reason : 'the record of this hold could not be read';
  return Buffer.from(JSON.stringify({ snapshots, created: created ?? now, reason: why, until }));
}

/** Whether it still holds. */
export function isInForce({ until }: Hold, now: Date): boolean {
  return until === undefined || until > now;
}

/** Ids of the snapshots that are held now, with why: all of a point, whichever of its snapshots the hold names. Pure. */
export function findHeld(points: readonly Point[], holds: readonly Hold[], now: Date): Map<string, string> {
  const named = nameSnapshots(points.flatMap(({ components }) => components));
  const held = new Map<string, string>();
  for (const hold of holds.filter((each) => isInForce(each, now))) {
    const ids = new Set(hold.snapshots.flatMap((name) => named.get(name)?.id ?? []));
    for (const { components } of points.filter((point) => point.components.some(({ id }) => ids.has(id))))
      for (const { id } of components) held.set(id, reasonOfHold(hold));
  }
  return held;
}

/** `held until 2026-12-24 (before the migration)`. */
export function reasonOfHold({ reason, until, problem }: Hold): string {
  const note = problem === undefined ? reason : 'its record cannot be read';
  return `held${until === undefined ? '' : ` until ${until.toISOString().slice(0, 10)}`}${note === undefined ? '' : ` (${note})`}`;
}

export interface HoldRequest {
  readonly point: PointRequest;
  readonly reason?: string;
  readonly until?: Date;
  readonly lock: LockChoice;
}

/** Holds on to a whole point. Throws `snapshot-missing`, `usage` for a time that is over, `locked`. */
export function addHold(
  repository: Repository,
  { point: named, reason, until, lock }: HoldRequest,
  context: RunContext,
): Promise<{ hold: Hold; point: Point }> {
  // A shared lock: whoever forgets points holds an exclusive one.
  return withLock({
    repository,
    mode: 'shared',
    lock,
    context,
    work: async ({ events, signal }) => {
      const now = repository.clock.now();
      if (until !== undefined && until <= now) throw wrong('the time that the hold is to end at is over');
      if ((reason?.length ?? 0) > longestReason) throw wrong(`a reason has at most ${longestReason} characters`);
      const { point } = findPoint(await loadPoints(repository), { ...named, now, events });
      const [first] = point.components;
      if (first === undefined) throw new TypeError('a point has at least one snapshot');
      const name = `${folder}${lastingName(first)}-${randomBytes(4).toString('hex')}`;
      const hold: Hold = {
        name,
        snapshots: point.components.map(lastingName),
        created: now,
        ...(reason === undefined ? {} : { reason }),
        ...(until === undefined ? {} : { until }),
      };
      await openSealedObjects(repository).put(name, {}, encodeHold(hold, now), { ifAbsent: true, signal });
      return { hold, point };
    },
  });
}

/** A hold, and the point that it holds where that is there. */
export interface ListedHold {
  readonly hold: Hold;
  readonly point?: Point;
}

/** Every hold with its point. */
export function listHolds(repository: Repository, lock: LockChoice, context: RunContext): Promise<ListedHold[]> {
  return withReadLock({
    repository,
    lock,
    context,
    work: async () => pairHolds(await readHolds(repository), await loadPoints(repository)),
  });
}

function pairHolds(holds: readonly Hold[], points: readonly Point[]): ListedHold[] {
  return holds.map((hold) => {
    const point = points.find(({ components }) => components.some((component) => isNamedBy(hold, component)));
    return { hold, ...(point === undefined ? {} : { point }) };
  });
}

function isNamedBy({ snapshots }: Hold, component: Point['components'][number]): boolean {
  return snapshots.includes(lastingName(component)) || snapshots.some((name) => component.id.startsWith(name));
}

export interface ReleaseRequest {
  /** A point; or the beginning of the name of one that is gone. */
  readonly point: PointRequest;
  readonly lock: LockChoice;
  /** Shown what will be released before it is. */
  readonly confirm: (holds: readonly ListedHold[]) => Promise<boolean>;
}

/** Releases all holds of a point: rules may remove it from now on. Throws `snapshot-missing` where nothing is held by that name, `storage-locked`. */
export function releaseHolds(
  repository: Repository,
  { point: named, lock, confirm }: ReleaseRequest,
  context: RunContext,
): Promise<{ released: readonly ListedHold[]; done: boolean }> {
  return withLock({
    repository,
    mode: 'shared',
    lock,
    context,
    work: async ({ events }) => {
      const points = await loadPoints(repository);
      const all = pairHolds(await readHolds(repository), points);
      const isPrefix = /^[0-9a-f]{4,16}$/.test(named.name);
      const byName = all.filter(({ hold }) => isPrefix && hold.name.startsWith(`${folder}${named.name}`));
      const wanted = byName.length > 0 ? undefined : findPoint(points, { ...named, now: repository.clock.now(), events }).point.id;
      const released = byName.length > 0 ? byName : all.filter(({ point }) => point?.id === wanted);
      if (released.length === 0) throw new HoldfastError('snapshot-missing', { name: named.name, reason: 'nobody holds it' });
      if (!(await confirm(released))) return { released, done: false };
      const objects = openSealedObjects(repository);
      for (const { hold } of released) await objects.remove(hold.name);
      return { released, done: true };
    },
  });
}

function wrong(reason: string): HoldfastError {
  return new HoldfastError('usage', { reason, help: 'holdfast hold add --help' });
}
