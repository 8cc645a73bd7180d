/** The repository's write-ahead log as a recovery takes it: exactly what was planned, whatever has been added since. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { WalSupply } from '../../sources/postgres/recovery/wal-supply.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import { formatTimeline } from '../../wal/segment-name.ts';
import type { MomentPlan } from './moment-plan.ts';

/** Throws what reading the archive throws. */
export async function openSupply(repository: Repository, { base, wal }: MomentPlan): Promise<WalSupply> {
  const { manifest } = base;
  const archive = openWalArchive(openSealedObjects(repository), manifest.systemId);
  const planned = new Map((wal?.segments ?? []).map((segment) => [segment.name, segment]));
  const histories: { name: string; content: Uint8Array }[] = [];
  for (const { timeline, hasHistory } of await archive.timelines()) {
    const content = hasHistory ? await archive.readHistory(timeline) : undefined;
    if (content !== undefined) histories.push({ name: `${formatTimeline(timeline)}.history`, content });
  }
  return {
    segmentSize: manifest.walSegmentSize,
    segments: [...planned.keys()],
    histories,
    readSegment: async (name, signal) => {
      const { filled = 0, whole = false } = planned.get(name) ?? {};
      const { content } = await archive.readSegment(name, { least: filled, signal });
      return whole ? content : content.fill(0, filled);
    },
  };
}
