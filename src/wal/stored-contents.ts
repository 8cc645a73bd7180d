/** What an archive holds, from one listing of its objects. */
import { clusterFolder, readStoredName, timelineFolder } from './object-names.ts';
import type { PartName, StoredSegment, TimelineContents } from './wal-archive.ts';
import type { WalObjects } from './wal-objects.ts';

/** Every timeline that has anything, ascending. */
export async function listTimelines(objects: WalObjects, systemId: string): Promise<TimelineContents[]> {
  return listContents(objects, systemId, clusterFolder(systemId));
}

/** One timeline; empty where nothing of it is stored. */
export async function listTimeline(objects: WalObjects, systemId: string, timeline: number): Promise<TimelineContents> {
  const [found] = await listContents(objects, systemId, timelineFolder(systemId, timeline));
  return found ?? describe(emptyListing(timeline));
}

interface Listing {
  readonly timeline: number;
  readonly whole: StoredSegment[];
  readonly parts: Map<string, PartName[]>;
  readonly gaps: { readonly from: bigint; readonly to: bigint }[];
  readonly files: string[];
  hasHistory: boolean;
  hasPosition: boolean;
  storedBytes: number;
}

async function listContents(objects: WalObjects, systemId: string, prefix: string): Promise<TimelineContents[]> {
  const root = clusterFolder(systemId);
  const timelines = new Map<number, Listing>();
  for await (const { name, size } of objects.list(prefix)) {
    const found = name.startsWith(root) ? readStoredName(name.slice(root.length)) : undefined;
    if (found === undefined) continue;
    const listing = timelines.get(found.timeline) ?? emptyListing(found.timeline);
    timelines.set(found.timeline, listing);
    listing.storedBytes += size;
    addTo(listing, found.stored, size);
  }
  return [...timelines.values()].map(describe).toSorted((a, b) => a.timeline - b.timeline);
}

function addTo(listing: Listing, stored: NonNullable<ReturnType<typeof readStoredName>>['stored'], size: number): void {
  switch (stored.kind) {
    case 'segment':
      listing.whole.push({ name: stored.segment, size });
      break;
    case 'part': {
      const parts = listing.parts.get(stored.segment) ?? [];
      listing.parts.set(stored.segment, parts);
      parts.push(stored.part);
      break;
    }
    case 'history':
      listing.hasHistory = true;
      break;
    case 'position':
      listing.hasPosition = true;
      break;
    case 'gap':
      listing.gaps.push({ from: stored.from, to: stored.to });
      break;
    case 'file':
      listing.files.push(stored.name);
      break;
  }
}

function emptyListing(timeline: number): Listing {
  return { timeline, whole: [], parts: new Map(), gaps: [], files: [], hasHistory: false, hasPosition: false, storedBytes: 0 };
}

function describe(listing: Listing): TimelineContents {
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
  const parts = [...listing.parts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...listing,
    whole: listing.whole.toSorted(byName),
    parts: new Map(parts.map(([name, list]) => [name, list.toSorted((a, b) => a.start - b.start || a.end - b.end)])),
    gaps: listing.gaps.toSorted((a, b) => (a.from < b.from ? -1 : 1)),
    files: listing.files.toSorted(),
  };
}
