import type { Catalog } from '../../catalog/catalog.ts';
import type { Clock } from '../../util/clock.ts';

/** When an application was first watched on this host: noted when it is asked for first, so that it outlives the process. Throws what the catalog throws. */
export function watchedSince({ notes }: Pick<Catalog, 'notes'>, configuration: string, clock: Clock): Date {
  const key = `watched:${configuration}`;
  const noted = new Date(notes.get(key) ?? Number.NaN);
  if (!Number.isNaN(noted.getTime())) return noted;
  notes.set(key, clock.now().toISOString());
  return clock.now();
}
