/** Holds go along with the points that they hold: what must not be removed here must not be removed there, until it is released there too. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { isError } from '../../errors.ts';
import { lastingName } from '../point-needs.ts';
import { loadPoints } from '../points.ts';
import { encodeHold, isInForce, readHolds } from './holds.ts';

/**
 * Copies the holds in force on points that both repositories have. Both should be locked (not exclusively).
 *
 * @param snapshots what the snapshots are called whose holds are meant; all when absent
 * @returns how many the other repository did not have
 * @throws what the storages throw
 */
export async function copyHolds(
  from: Repository,
  to: Repository,
  { signal }: Pick<RunContext, 'signal'>,
  snapshots?: ReadonlySet<string>,
): Promise<number> {
  const now = from.clock.now();
  const held = (await readHolds(from)).filter(
    (hold) => isInForce(hold, now) && (snapshots === undefined || hold.snapshots.some((name) => snapshots.has(name))),
  );
  if (held.length === 0) return 0;
  const there = new Set((await loadPoints(to)).flatMap(({ components }) => components.map(lastingName)));
  const objects = openSealedObjects(to);
  const known = new Set<string>();
  for await (const { name } of objects.list('holds/')) known.add(name);
  let copied = 0;
  for (const hold of held.filter((each) => !known.has(each.name) && each.snapshots.some((name) => there.has(name)))) {
    try {
      await objects.put(hold.name, {}, encodeHold(hold, now), { ifAbsent: true, signal });
      copied += 1;
    } catch (error) {
      if (!isError(error, 'storage-exists')) throw error; // somebody else has copied it meanwhile
    }
  }
  return copied;
}
