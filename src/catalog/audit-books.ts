/** What this host remembers of audit trails: how far each was seen to reach, and what could not be written there yet. */
import type { Clock } from '../util/clock.ts';
import type { CatalogDatabase } from './catalog-database.ts';
import { numberOf } from './run-rows.ts';

/** The last record of a chain. */
export interface NotedHead {
  readonly sequence: number;
  /** Of the record, 64 hex digits. */
  readonly hash: string;
}

export interface AuditHeads {
  get(repository: string, chain: string): NotedHead | undefined;
  /** By chain. */
  all(repository: string): ReadonlyMap<string, NotedHead>;
  /** A head that is behind what is noted changes nothing, unless `replace` says so. */
  note(repository: string, chain: string, head: NotedHead, options?: { readonly replace?: boolean }): void;
}

/** Records that wait for a repository to be open, the oldest first. */
export interface AuditWaiting {
  /** Without a repository it waits for whichever comes first. */
  add(text: string, repository?: string): void;
  /** Those that this repository may take, each with the number that removes it. */
  list(repository: string): readonly { readonly number: number; readonly text: string }[];
  remove(number: number): void;
}

const mostWaiting = 2000;

export function openAuditHeads(file: CatalogDatabase, clock: Clock): AuditHeads {
  const all = (repository: string): Map<string, NotedHead> => {
    const rows = file.use((database) =>
      database.prepare('SELECT chain, sequence, hash FROM audit_heads WHERE repository = ? LIMIT 10000').all(repository),
    );
    return new Map(rows.map(({ chain, sequence, hash }) => [String(chain), { sequence: numberOf(sequence) ?? 0, hash: String(hash) }]));
  };
  return {
    all,
    get: (repository, chain) => {
      const row = file.use((database) =>
        database.prepare('SELECT sequence, hash FROM audit_heads WHERE repository = ? AND chain = ?').get(repository, chain),
      );
      return row && { sequence: numberOf(row['sequence']) ?? 0, hash: String(row['hash']) };
    },
    note: (repository, chain, { sequence, hash }, { replace = false } = {}) => {
      file.use((database) =>
        database
          .prepare(
            `INSERT INTO audit_heads (repository, chain, sequence, hash, noted) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, noted = excluded.noted
             WHERE ? OR excluded.sequence > sequence`,
          )
          .run(repository, chain, sequence, hash, clock.now().getTime(), replace ? 1 : 0),
      );
    },
  };
}

export function openAuditWaiting(file: CatalogDatabase): AuditWaiting {
  return {
    add: (text, repository) => {
      file.transact((database) => {
        database.prepare('INSERT INTO audit_waiting (repository, text) VALUES (?, ?)').run(repository ?? null, text);
        database.prepare('DELETE FROM audit_waiting WHERE number <= (SELECT max(number) FROM audit_waiting) - ?').run(mostWaiting);
      });
    },
    list: (repository) =>
      file
        .use((database) =>
          database
            .prepare('SELECT number, text FROM audit_waiting WHERE repository IS NULL OR repository = ? ORDER BY number LIMIT ?')
            .all(repository, mostWaiting),
        )
        .map(({ number, text }) => ({ number: numberOf(number) ?? 0, text: String(text) })),
    remove: (number) => {
      file.use((database) => database.prepare('DELETE FROM audit_waiting WHERE number = ?').run(number));
    },
  };
}
