import type { RetentionSnapshot } from './retention.ts';

/** By which of their properties snapshots belong together. */
export interface GroupBy {
  readonly host?: boolean;
  readonly paths?: boolean;
  readonly tags?: boolean;
}

export interface SnapshotGroup<Snapshot extends RetentionSnapshot> {
  /** What its snapshots have in common: only what they were grouped by; lists are sorted. */
  readonly key: { readonly host?: string; readonly paths?: readonly string[]; readonly tags?: readonly string[] };
  readonly snapshots: readonly Snapshot[];
}

/** Snapshots that a policy is applied to together (restic: by host and paths), in the order in which each group's first one stands. */
export function groupSnapshots<Snapshot extends RetentionSnapshot>(snapshots: readonly Snapshot[], by: GroupBy): SnapshotGroup<Snapshot>[] {
  const groups = new Map<string, { key: SnapshotGroup<Snapshot>['key']; snapshots: Snapshot[] }>();
  for (const snapshot of snapshots) {
    const key = {
      ...(by.host ? { host: snapshot.host ?? '' } : {}),
      ...(by.paths ? { paths: (snapshot.paths ?? []).toSorted() } : {}),
      ...(by.tags ? { tags: (snapshot.tags ?? []).toSorted() } : {}),
    };
    const name = JSON.stringify([key.host, key.paths, key.tags]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { key, snapshots: [snapshot] });
    else group.snapshots.push(snapshot);
  }
  return [...groups.values()];
}
