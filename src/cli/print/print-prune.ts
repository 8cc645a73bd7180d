import type { PrunePlan } from '../../engine/prune/prune-plan.ts';
import type { PruneReport } from '../../operations/prune.ts';
import type { PlannedExpiry } from '../../operations/wal/expire-wal.ts';
import { countRemoved } from './print-forget.ts';
import { formatCount, formatMoment, formatSize } from './quantities.ts';

export function textOfPrunePlan(plan: PrunePlan): string {
  const { before, after, freedBytes, repackPacks, repackBytes, deletePacks, deleteUnindexedPacks, keepUnindexedPacks } = plan;
  return [
    `to remove: ${formatCount(deletePacks.length + deleteUnindexedPacks.length, 'pack')} that nothing needs`,
    `to rewrite: ${formatCount(repackPacks.length, 'pack')}, of which ${formatSize(repackBytes)} stay`,
    `to free: ${formatSize(freedBytes)} of ${formatSize(before.bytes)}; ${formatSize(after.unusedBytes)} unused data stay`,
    ...(keepUnindexedPacks.length === 0
      ? []
      : [`${formatCount(keepUnindexedPacks.length, 'pack')} that no index names stay for now: a run may still be writing them`]),
    ...textsOfWaiting(plan),
  ].join('\n');
}

function textsOfWaiting({ aroundLocks }: PrunePlan): string[] {
  if (aroundLocks === undefined || aroundLocks.waitingPacks.length === 0) return [];
  const { waitingPacks, waitingBytes, waitingUntil } = aroundLocks;
  const until = waitingUntil === undefined ? '' : `, the last until ${formatMoment(new Date(waitingUntil))}`;
  return [`${formatCount(waitingPacks.length, 'pack')} (${formatSize(waitingBytes)}) that nothing needs wait for locks${until}`];
}

/** What goes of the write-ahead log: nothing where there is none. */
export function textOfExpiry(wal: readonly PlannedExpiry[]): string {
  return wal
    .map(({ systemId, segments, parts, bytes }) => {
      const what = formatCount(segments.length + parts.length, 'piece');
      return `to remove: ${what} of the write-ahead log of cluster ${systemId} (${formatSize(bytes)}) from before its oldest base backup`;
    })
    .join('\n');
}

export function recordOfPrune({ done, forget, prune, wal, result, refusal, forgotten, locks }: PruneReport): object {
  return {
    message_type: 'summary',
    done,
    ...(forget === undefined
      ? {}
      : {
          kept_snapshots: forget.keep.length,
          removed_snapshots: forget.remove.length,
          removed_points: forget.groups.flatMap(({ remove }) => remove).length,
          waiting_points: forget.waiting.length,
        }),
    ...(forgotten === undefined ? {} : { forgotten_snapshots: forgotten.length }),
    ...(prune?.aroundLocks === undefined
      ? {}
      : {
          waiting_packs: prune.aroundLocks.waitingPacks.length,
          waiting_bytes: prune.aroundLocks.waitingBytes,
          ...(prune.aroundLocks.waitingUntil === undefined ? {} : { waiting_until: prune.aroundLocks.waitingUntil }),
        }),
    ...(locks === undefined || locks.extended + locks.failed === 0 ? {} : { extended_locks: locks.extended, failed_locks: locks.failed }),
    ...(refusal === undefined ? {} : { refused: refusal.message }),
    ...(prune === undefined
      ? {}
      : {
          packs_to_delete: prune.deletePacks.length + prune.deleteUnindexedPacks.length,
          packs_to_repack: prune.repackPacks.length,
          bytes_to_free: prune.freedBytes,
          bytes_before: prune.before.bytes,
          bytes_after: prune.after.bytes,
        }),
    ...(wal === undefined || wal.length === 0
      ? {}
      : {
          wal_segments_to_delete: wal.reduce((sum, { segments }) => sum + segments.length, 0),
          wal_parts_to_delete: wal.reduce((sum, { parts }) => sum + parts.length, 0),
          wal_bytes_to_free: wal.reduce((sum, { bytes }) => sum + bytes, 0),
        }),
    ...(result === undefined
      ? {}
      : { deleted_packs: result.deletedPacks, new_packs: result.newPacks, moved_blobs: result.movedBlobs, freed_bytes: result.freedBytes }),
  };
}

export function textOfPrune({ done, forget, forgotten = [], result, refusal, locks }: PruneReport): string {
  if (refusal !== undefined && !done) return `nothing was removed, since this place does not allow it: it waits\n(${refusal.message})`;
  if (!done) return 'nothing was done';
  const isCut = forgotten.length < (forget?.remove.length ?? 0);
  const parts = [
    ...(forget === undefined ? [] : [`${isCut ? formatCount(forgotten.length, 'snapshot') : countRemoved(forget.groups)} removed`]),
    ...(result === undefined
      ? []
      : [`${formatSize(result.freedBytes)} freed (${formatCount(result.deletedPacks, 'pack')} removed, ${result.newPacks} written)`]),
    ...(locks === undefined || locks.extended === 0 ? [] : [`${formatCount(locks.extended, 'lock')} made longer`]),
  ];
  return [parts.join('; '), ...(refusal === undefined ? [] : [`the rest waits: ${refusal.message}`])].join('\n');
}
