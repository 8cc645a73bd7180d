import type { PrunePlan } from '../../engine/prune/prune-plan.ts';
import type { ForgetGroup, ForgetPlan } from '../../operations/forget-plan.ts';
import type { PointComponent } from '../../operations/points.ts';
import type { PruneReport } from '../../operations/prune.ts';
import { formatCount, formatMoment, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

/** One record a group: what stays and why, what goes. */
export function recordsOfForget({ groups }: ForgetPlan): object[] {
  return groups.map(({ key, keep, remove }) => ({
    message_type: 'forget',
    ...key,
    keep: keep.map(({ snapshot, reasons }) => ({ ...recordOf(snapshot), reasons })),
    remove: remove.map(recordOf),
  }));
}

function recordOf({ id, snapshot, tags }: PointComponent): object {
  return { id, short_id: id.slice(0, 8), time: snapshot.time, component: tags.component, tags: tags.own };
}

export function textOfForget({ groups, remove, keep }: ForgetPlan): string {
  const parts = groups.map((group) => {
    const rows = [
      ...group.keep.map(({ snapshot, reasons }) => ['keep', ...cellsOf(snapshot), reasons.join(', ')]),
      ...group.remove.map((snapshot) => ['remove', ...cellsOf(snapshot), '']),
    ];
    return `${titleOf(group)}${formatTable(['', 'snapshot', 'time', 'component', 'why'], rows)}`;
  });
  return [...parts, `${formatCount(keep.length, 'snapshot')} to keep, ${remove.length} to remove`].join('\n\n');
}

function cellsOf({ id, snapshot, tags }: PointComponent): string[] {
  return [id.slice(0, 8), formatMoment(new Date(snapshot.time)), printable(tags.component)];
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

export function recordOfPrune({ done, forget, prune, result }: PruneReport): object {
  return {
    message_type: 'summary',
    done,
    ...(forget === undefined ? {} : { kept_snapshots: forget.keep.length, removed_snapshots: forget.remove.length }),
    ...(prune === undefined
      ? {}
      : {
          packs_to_delete: prune.deletePacks.length + prune.deleteUnindexedPacks.length,
          packs_to_repack: prune.repackPacks.length,
          bytes_to_free: prune.freedBytes,
          bytes_before: prune.before.bytes,
          bytes_after: prune.after.bytes,
        }),
    ...(result === undefined
      ? {}
      : { deleted_packs: result.deletedPacks, new_packs: result.newPacks, moved_blobs: result.movedBlobs, freed_bytes: result.freedBytes }),
  };
}

export function textOfPrune({ done, forget, result }: PruneReport): string {
  if (!done) return 'nothing was done';
  const parts = [
    ...(forget === undefined ? [] : [`${formatCount(forget.remove.length, 'snapshot')} removed`]),
    ...(result === undefined
      ? []
      : [`${formatSize(result.freedBytes)} freed (${formatCount(result.deletedPacks, 'pack')} removed, ${result.newPacks} written)`]),
  ];
  return parts.join('; ');
}
