/** Points that no record tells of: another program made them, or somebody who went past holdfast. Nothing was changed by that, but somebody should know. */
import type { Repository } from '../../engine/repository.ts';
import type { RecordedSnapshots } from '../../observe/audit/recorded-snapshots.ts';
import { loadPoints } from '../points.ts';

export interface UnrecordedPoint {
  readonly id: string;
  readonly time: string;
  /** As it says itself. */
  readonly host: string;
}

/** Those that say to be newer than the first record that names snapshots. Throws what the storage throws. */
export async function findUnrecorded(repository: Repository, recorded: RecordedSnapshots): Promise<readonly UnrecordedPoint[]> {
  const { since } = recorded;
  if (since === undefined) return [];
  return (await loadPoints(repository))
    .filter(({ time, components }) => Date.parse(time) > since.getTime() && components.some(({ id }) => !recorded.has(id)))
    .map(({ id, time, host }) => ({ id, time, host }));
}
