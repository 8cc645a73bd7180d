/** Which snapshots the records of a trail say that a run has stored. */
import type { AuditRecord } from './audit-record.ts';

/** Digits of an id that are kept: enough to tell them apart, and a copy of thousands still fits into a record. */
const digits = 16;
const mostNamed = 20_000;

export interface RecordedSnapshots {
  has(id: string): boolean;
  /** When snapshots were first named; undefined where no record does. */
  readonly since: Date | undefined;
}

/** As a record names them. */
export function nameSnapshots(ids: readonly string[]): readonly string[] {
  return ids.slice(0, mostNamed).map((id) => id.slice(0, digits));
}

export class SnapshotCollector implements RecordedSnapshots {
  readonly #ids = new Set<string>();
  #since: Date | undefined;

  add({ at, result }: AuditRecord): void {
    const named = result?.['snapshots'];
    if (!Array.isArray(named)) return;
    if (this.#since === undefined || at < this.#since) this.#since = at;
    for (const id of named) if (typeof id === 'string') this.#ids.add(id.slice(0, digits));
  }

  has(id: string): boolean {
    return this.#ids.has(id.slice(0, digits));
  }

  get since(): Date | undefined {
    return this.#since;
  }
}
