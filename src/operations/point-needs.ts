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

/** What snapshots need, themselves or by way of others, that is not there: by their ids. Those that lack nothing are left out. */
export function findLacking(all: readonly PointComponent[]): ReadonlyMap<string, readonly string[]> {
  const lacking = new Map<string, readonly string[]>();
  const needing = all.filter(({ tags }) => tags.needs !== undefined);
  if (needing.length === 0) return lacking;
  const named = nameSnapshots(all);
  const users = new Map<string, PointComponent[]>();
  for (const user of needing) {
    const needs = user.tags.needs ?? [];
    const absent = needs.filter((name) => !named.has(name));
    if (absent.length > 0) lacking.set(user.id, absent);
    for (const { id } of needs.flatMap((name) => named.get(name) ?? [])) users.set(id, [...(users.get(id) ?? []), user]);
  }
  // A map is walked to its end, also to what is added on the way.
  for (const [id, absent] of lacking) for (const user of users.get(id) ?? []) if (!lacking.has(user.id)) lacking.set(user.id, absent);
  return lacking;
}

/** For people: `it builds on the snapshot 01ab…, gone or unreadable`. Tags are anybody's: what is shown of them is bounded, and printable. */
export function describeLacking(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => (/^[0-9a-f]{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64))));
  const rest = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return `it builds on ${names.length === 1 ? 'the snapshot' : 'the snapshots'} ${shown.join(', ')}${rest}, gone or unreadable`;
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
