import type { PrunePlan } from '../../engine/prune/prune-plan.ts';
import type { ForgetGroup, ForgetPlan, PlannedPoint } from '../../operations/forget-plan.ts';
import type { PruneReport } from '../../operations/prune.ts';
import type { PlannedExpiry } from '../../operations/wal/expire-wal.ts';
import { formatCount, formatMoment, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

/** One record a group of points: what stays and why, what goes. */
export function recordsOfForget({ groups }: ForgetPlan): object[] {
  return groups.map(({ key, keep, remove }) => ({
    message_type: 'forget',
    ...key,
    keep: keep.map(({ reasons, ...planned }) => ({ ...recordOf(planned), reasons })),
    remove: remove.map(recordOf),
  }));
}

function recordOf({ point, components }: PlannedPoint): object {
  return {
    id: point.id,
    short_id: point.id.slice(0, 8),
    time: point.time,
    components: components.map(({ tags }) => tags.component),
    tags: [...new Set(components.flatMap(({ tags }) => tags.own))],
    snapshots: components.map(({ id }) => id),
  };
}

export function textOfForget({ groups }: ForgetPlan): string {
  const parts = groups.map((group) => {
    const rows = [
      ...group.keep.map((kept) => ['keep', ...cellsOf(kept), kept.reasons.join(', ')]),
      ...group.remove.map((planned) => ['remove', ...cellsOf(planned), '']),
    ];
    return `${titleOf(group)}${formatTable(['', 'point', 'time', 'components', 'why'], rows)}`;
  });
  const kept = groups.flatMap(({ keep }) => keep).length;
  const total = kept === 0 ? '' : `${formatCount(kept, 'point')} to keep, `;
  return [...parts, `${total}${countRemoved(groups)} to remove`].join('\n\n');
}

/** `2 points`; where single components were named, what goes is no whole point. */
function countRemoved(groups: readonly ForgetGroup[]): string {
  const removed = groups.flatMap(({ remove }) => remove);
  const isWhole = removed.every(({ point, components }) => components.length === point.components.length);
  return isWhole ? formatCount(removed.length, 'point') : formatCount(removed.flatMap(({ components }) => components).length, 'component');
}

function cellsOf({ point, components }: PlannedPoint): string[] {
  const names = components.map(({ tags }) => tags.component).join(', ');
  return [point.id.slice(0, 8), formatMoment(new Date(point.time)), printable(names)];
}

function titleOf({ key }: ForgetGroup): string {
  const parts = [
    ...(key.host === undefined ? [] : [`host ${key.host}`]),
    ...(key.paths === undefined ? [] : [`paths ${key.paths.join(', ')}`]),
    ...(key.tags === undefined || key.tags.length === 0 ? [] : [`tags ${key.tags.join(', ')}`]),
  ];
  return parts.length === 0 ? '' : `${printable(parts.join('; '))}\n`;
}

export function textOfPrunePlan(plan: PrunePlan): string {
  const { before, after, freedBytes, repackPacks, repackBytes, deletePacks, deleteUnindexedPacks, keepUnindexedPacks } = plan;
  return [
    `to remove: ${formatCount(deletePacks.length + deleteUnindexedPacks.length, 'pack')} that nothing needs`,
    `to rewrite: ${formatCount(repackPacks.length, 'pack')}, of which ${formatSize(repackBytes)} stay`,
    `to free: ${formatSize(freedBytes)} of ${formatSize(before.bytes)}; ${formatSize(after.unusedBytes)} unused data stay`,
    ...(keepUnindexedPacks.length === 0
      ? []
      : [`${formatCount(keepUnindexedPacks.length, 'pack')} that no index names stay for now: a run may still be writing them`]),
  ].join('\n');
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

export function recordOfPrune({ done, forget, prune, wal, result }: PruneReport): object {
  return {
    message_type: 'summary',
    done,
    ...(forget === undefined
      ? {}
      : {
          kept_snapshots: forget.keep.length,
          removed_snapshots: forget.remove.length,
          removed_points: forget.groups.flatMap(({ remove }) => remove).length,
        }),
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

export function textOfPrune({ done, forget, result }: PruneReport): string {
  if (!done) return 'nothing was done';
  const parts = [
    ...(forget === undefined ? [] : [`${countRemoved(forget.groups)} removed`]),
    ...(result === undefined
      ? []
      : [`${formatSize(result.freedBytes)} freed (${formatCount(result.deletedPacks, 'pack')} removed, ${result.newPacks} written)`]),
  ];
  return parts.join('; ');
}
