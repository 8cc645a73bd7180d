/**
 * What must not displace what was saved before it: since much went missing, or was overwritten, and as long as nobody has accepted that. Only of what a
 * configuration made: of the rest nobody is told.
 */
import type { Repository } from '../../engine/repository.ts';
import type { EventSink } from '../../events.ts';
import { applicationOf, isOwnPoint, type Point } from '../points.ts';
import { readAccepted, type AcceptedRecord } from '../status/accepted-records.ts';
import { findCaptures, readManifests, type Manifests } from '../status/find-captures.ts';
import { judgeCaptures } from '../status/judge-captures.ts';
import type { CaptureFacts } from '../status/status-facts.ts';

/** Ids of suspect snapshots, each with the name of its component. Throws what the storage throws. */
export async function findSuspects(
  repository: Repository,
  points: readonly Point[],
  events: EventSink,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const [application, all] of Map.groupBy(points, applicationOf)) {
    if (application === undefined) continue;
    const own = all.filter(isOwnPoint);
    const accepted = await readAccepted(repository, application, events);
    const manifests = await readManifests(repository, own, events);
    const first = judgeAll(own, manifests, accepted);
    const unclear = own.filter((point) => !manifests.has(point.id) && first.some(({ gap }) => isWithin(point, gap)));
    // Which of them was the last good one decides what is kept.
    const more = unclear.length === 0 ? manifests : await readManifests(repository, spread(unclear), events, manifests);
    for (const { component, members, gap } of unclear.length === 0 ? first : judgeAll(own, more, accepted))
      for (const { at, snapshot } of members) if (at > gap.lastGood) found.set(snapshot, component);
  }
  return found;
}

/** Captures between which something was lost: what lies between them is not known. */
interface Gap {
  readonly lastGood: Date;
  readonly since: Date;
}

interface SuspectComponent {
  readonly component: string;
  readonly members: readonly CaptureFacts[];
  readonly gap: Gap;
}

function judgeAll(points: readonly Point[], manifests: Manifests, accepted: readonly AcceptedRecord[]): SuspectComponent[] {
  return [...findCaptures(points, new Set(), manifests)].flatMap(([component, members]): SuspectComponent[] => {
    const { lastGood, anomalies } = judgeCaptures(component, members, accepted);
    if (lastGood === undefined) return [];
    const since = new Date(Math.max(...anomalies.filter(({ isLoss }) => isLoss).map((each) => each.since.getTime())));
    return [{ component, members, gap: { lastGood, since } }];
  });
}

function isWithin({ time }: Point, { lastGood, since }: Gap): boolean {
  const at = Date.parse(time);
  return at > lastGood.getTime() && at < since.getTime();
}

/** No more manifests are read than these, evenly between the first and the last. */
const mostRead = 64;

function spread(points: readonly Point[]): Point[] {
  const step = Math.max(1, points.length / mostRead);
  return points.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}
