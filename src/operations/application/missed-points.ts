/** What a repository missed while it could not be reached. */
import type { Repository } from '../../engine/repository.ts';
import { loadPoints, type Point } from '../points.ts';

export interface MissedRequest {
  readonly from: Repository;
  readonly to: Repository;
  readonly application: string;
  readonly newPoint: string;
}

/**
 * Points of an application that one repository has and another lacks although they are newer than the newest that both have: it was down when
 * they were made. What is older, its own retention may have removed. Empty for a repository that has no point of the application yet: its history
 * begins with the next one. Oldest first.
 * @param newPoint the id of a point that was only just made, which does not count
 */
export async function findMissedPoints({ from, to, application, newPoint }: MissedRequest): Promise<Point[]> {
  const ofApplication = async (repository: Repository): Promise<Point[]> =>
    (await loadPoints(repository)).filter(
      ({ id, components }) => id !== newPoint && components.some(({ tags }) => tags.application === application),
    );
  const [here, there] = [await ofApplication(from), await ofApplication(to)];
  if (there.length === 0) return [];
  const known = new Set(there.flatMap(namesOf));
  const isShared = (point: Point): boolean => namesOf(point).some((name) => known.has(name));
  const newestShared = Math.max(...here.filter(isShared).map(({ time }) => Date.parse(time)), Number.NEGATIVE_INFINITY);
  return here.filter((point) => Date.parse(point.time) > newestShared && !isShared(point));
}

/** What its snapshots were called where they were made. */
function namesOf({ components }: Point): string[] {
  return components.map(({ id, snapshot }) => snapshot.original ?? id);
}
