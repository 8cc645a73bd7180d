/** Keeps the catalog from growing without end. */
import type { Clock } from '../util/clock.ts';
import type { CatalogDatabase } from './catalog-database.ts';
import type { NoteBook } from './note-book.ts';

const dayMs = 86_400_000;
const oldestMs = 400 * dayMs;
const mostRuns = 100_000;
const mostNotes = 10_000;
const mostHeads = 10_000;
const noteKey = 'trimmed';

/** Once a day: looks whether the file is sound, and removes runs that are older than 400 days or beyond the newest 100,000. */
export function trimDaily(file: CatalogDatabase, notes: NoteBook, clock: Clock): void {
  const now = clock.now().getTime();
  const last = Number(notes.get(noteKey) ?? Number.NEGATIVE_INFINITY);
  // A clock that was put back must not stop it for long.
  if (Math.abs(now - last) < dayMs) return;
  notes.set(noteKey, String(now));
  file.verify();
  file.transact((database) => {
    const kept = 'SELECT began FROM runs ORDER BY began DESC LIMIT 1 OFFSET ?';
    database.prepare("DELETE FROM runs WHERE began < ? AND status <> 'running'").run(now - oldestMs);
    database.prepare(`DELETE FROM runs WHERE began < (${kept}) AND status <> 'running'`).run(mostRuns - 1);
    database.prepare('DELETE FROM notes WHERE noted < (SELECT noted FROM notes ORDER BY noted DESC LIMIT 1 OFFSET ?)').run(mostNotes);
    database
      .prepare('DELETE FROM audit_heads WHERE noted < (SELECT noted FROM audit_heads ORDER BY noted DESC LIMIT 1 OFFSET ?)')
      .run(mostHeads);
  });
  file.use((database) => database.exec('PRAGMA incremental_vacuum'));
}
