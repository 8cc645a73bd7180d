/** Asks for archived objects and waits until all of them can be read. */
import { setTimeout } from 'node:timers/promises';
import { mapConcurrently } from '../engine/concurrency.ts';
import { throwIfAborted, type RunContext } from '../engine/run-context.ts';
import type { ArchiveAccess, ObjectInfo, RetrievalSpeed } from '../storage/storage.ts';

/** What is about to be asked for. */
export interface RetrievalPlan {
  /** That cannot be read now. */
  readonly objects: number;
  readonly bytes: number;
  /** Those among them that were asked for before, and are on their way. */
  readonly asked: number;
  readonly speed: RetrievalSpeed;
}

/** How often it is looked whether objects have come: milliseconds, growing from the first to the last. */
export interface RetrievalWait {
  readonly first: number;
  readonly longest: number;
}

const usualWait: RetrievalWait = { first: 15_000, longest: 300_000 };
const requestsAtOnce = 8;

export interface ObjectsRequest {
  readonly speed: RetrievalSpeed;
  readonly dryRun: boolean;
  readonly wait?: RetrievalWait;
  readonly onPlan: (plan: RetrievalPlan) => void;
}

/** True when all can be read; false where that would have to be asked for, and it is a dry run. */
export async function retrieveObjects(
  archive: ArchiveAccess,
  objects: readonly ObjectInfo[],
  { speed, dryRun, wait = usualWait, onPlan }: ObjectsRequest,
  { events, signal }: RunContext,
): Promise<boolean> {
  const missing = new Map<string, ObjectInfo>();
  const toAsk: string[] = [];
  await mapConcurrently(objects, requestsAtOnce, async (object) => {
    const state = await archive.stateOf(object.key, signal);
    if (state !== 'ready') missing.set(object.key, object);
    if (state === 'archived') toAsk.push(object.key);
  });
  if (missing.size === 0) return true;
  const [count, bytes] = [missing.size, sum(missing.values())];
  onPlan({ objects: count, bytes, asked: count - toAsk.length, speed });
  if (dryRun) return false;
  events({ type: 'phase', phase: 'retrieve' });
  await mapConcurrently(toAsk, requestsAtOnce, (key) => archive.retrieve(key, speed, signal));
  for (let delay = wait.first; missing.size > 0; delay = Math.min(delay * 1.5, wait.longest)) {
    const bytesDone = bytes - sum(missing.values());
    events({ type: 'progress', phase: 'retrieve', itemsDone: count - missing.size, itemsTotal: count, bytesDone, bytesTotal: bytes });
    await setTimeout(delay, undefined, { signal }).catch(() => throwIfAborted(signal));
    await mapConcurrently([...missing.keys()], requestsAtOnce, async (key) => {
      const state = await archive.stateOf(key, signal);
      if (state === 'ready') missing.delete(key);
      // The store has dropped the request, or a copy that had come is over while others were on their way.
      else if (state === 'archived') await archive.retrieve(key, speed, signal);
    });
  }
  events({ type: 'progress', phase: 'retrieve', itemsDone: count, itemsTotal: count, bytesDone: bytes, bytesTotal: bytes });
  return true;
}

function sum(objects: Iterable<ObjectInfo>): number {
  let bytes = 0;
  for (const { size } of objects) bytes += size;
  return bytes;
}
