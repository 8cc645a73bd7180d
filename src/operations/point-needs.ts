/** Which snapshots others cannot be restored without. Pure. */
import { pointDigits } from './point-tags.ts';
import type { PointComponent } from './points.ts';

/** Snapshots by what others call them. */
type NamedSnapshots = ReadonlyMap<string, PointComponent>;

/** A snapshot that needs others that are not there. */
interface MissingNeeds {
  readonly snapshot: PointComponent;
  /** The beginnings of their ids, or of the ids they had where they were made. */
  readonly names: readonly string[];
}

/** By the beginnings of their ids, and of the ids they had before they were copied: a copy has a new id, and is still called what it was. */
export function nameSnapshots(snapshots: readonly PointComponent[]): NamedSnapshots {
  const named = new Map<string, PointComponent>();
  for (const each of snapshots) if (each.snapshot.original !== undefined) named.set(each.snapshot.original.slice(0, pointDigits), each);
  for (const each of snapshots) named.set(each.id.slice(0, pointDigits), each);
  return named;
}

/** What a snapshot is called by those that need it, wherever it is copied. */
export function lastingName({ id, snapshot }: Pick<PointComponent, 'id' | 'snapshot'>): string {
  return (snapshot.original ?? id).slice(0, pointDigits);
}

/** These snapshots and all that they need, and what those need, oldest first. */
export function withNeeded(
  chosen: readonly PointComponent[],
  all: readonly PointComponent[],
): { readonly snapshots: readonly PointComponent[]; readonly missing: readonly MissingNeeds[] } {
  const named = nameSnapshots(all);
  const found = new Map(chosen.map((each) => [each.id, each]));
  const missing: MissingNeeds[] = [];
  // A map is walked to its end, also to what is added on the way.
  for (const snapshot of found.values()) {
    const needs = snapshot.tags.needs ?? [];
    for (const needed of needs.flatMap((name) => named.get(name) ?? [])) if (!found.has(needed.id)) found.set(needed.id, needed);
    const names = needs.filter((name) => !named.has(name));
    if (names.length > 0) missing.push({ snapshot, names });
  }
  const snapshots = [...found.values()].toSorted((a, b) => Date.parse(a.snapshot.time) - Date.parse(b.snapshot.time));
  return { snapshots, missing };
}
