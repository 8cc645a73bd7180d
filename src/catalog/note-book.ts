import type { Clock } from '../util/clock.ts';
import type { CatalogDatabase } from './catalog-database.ts';

/** Short texts by key. */
export interface NoteBook {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

export function openNoteBook(file: CatalogDatabase, clock: Clock): NoteBook {
  return {
    get: (key) => {
      const row = file.use((database) => database.prepare('SELECT value FROM notes WHERE key = ?').get(key));
      return row && String(row['value']);
    },
    set: (key, value) => {
      const sql = `INSERT INTO notes (key, value, noted) VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET value = excluded.value, noted = excluded.noted`;
      file.use((database) => database.prepare(sql).run(key, value, clock.now().getTime()));
    },
  };
}
