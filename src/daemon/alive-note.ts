/** When a daemon for a configuration was last alive, in the catalog: what ended later, no daemon saw. */
import type { Catalog } from '../catalog/catalog.ts';

/** Throws what the catalog throws. */
export function noteAlive({ notes }: Catalog, configuration: string, now: Date): void {
  notes.set(keyOf(configuration), now.toISOString());
}

/** Undefined where there was none, or nothing can be read. */
export function readLastAlive({ notes }: Catalog, configuration: string): Date | undefined {
  try {
    const alive = new Date(notes.get(keyOf(configuration)) ?? Number.NaN);
    return Number.isNaN(alive.getTime()) ? undefined : alive;
  } catch {
    return undefined;
  }
}

function keyOf(configuration: string): string {
  return `daemon:${configuration}`;
}
