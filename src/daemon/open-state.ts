/** The catalog, or a place for the time being where it cannot be opened: backups must go on with a full disk too. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, openCatalog } from '../catalog/catalog.ts';
import { reasonOf } from '../errors.ts';
import type { Clock } from '../util/clock.ts';

export interface OpenedState {
  readonly catalog: Catalog;
  /** Why it is not the real one. What is noted now is forgotten with the process. */
  readonly problem?: string;
}

/** Throws `catalog-failed` where no place can be written at all. */
export function openState(folder: string, clock: Clock, onNotice: (message: string) => void): OpenedState {
  try {
    return { catalog: openCatalog(folder, clock, { onNotice }) };
  } catch (error) {
    const substitute = mkdtempSync(join(tmpdir(), 'holdfast-state-'));
    return { catalog: openCatalog(substitute, clock, { onNotice }), problem: reasonOf(error) };
  }
}
