/** Who may do something that only one may do at a time: until when, and then anybody may take it. */
import type { Clock } from '../util/clock.ts';
import type { CatalogDatabase } from './catalog-database.ts';

export interface LeaseBook {
  /** Takes it, or takes it for longer. False where somebody else holds it. */
  take(name: string, holder: string, forMs: number): boolean;
  /** Who holds it now. */
  holder(name: string): string | undefined;
  /** Gives it back; nothing happens where somebody else holds it. */
  release(name: string, holder: string): void;
}

export function openLeaseBook(file: CatalogDatabase, clock: Clock): LeaseBook {
  return {
    take: (name, holder, forMs) => {
      const now = clock.now().getTime();
      const sql = `INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET holder = ?2, until = ?3 WHERE holder = ?2 OR until <= ?4`;
      return file.use((database) => database.prepare(sql).run(name, holder, now + forMs, now)).changes === 1;
    },
    holder: (name) => {
      const row = file.use((database) =>
        database.prepare('SELECT holder FROM leases WHERE name = ? AND until > ?').get(name, clock.now().getTime()),
      );
      return row && String(row['holder']);
    },
    release: (name, holder) => {
      file.use((database) => database.prepare('DELETE FROM leases WHERE name = ? AND holder = ?').run(name, holder));
    },
  };
}
