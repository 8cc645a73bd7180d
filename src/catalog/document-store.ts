/** Small documents by kind and id, for alarms: it knows nothing of what is in them. */
import type { CatalogDatabase } from './catalog-database.ts';

export interface StoredDocument {
  readonly id: string;
  readonly text: string;
}

/** What the notifier asks of a store, for any kinds of documents. */
export interface DocumentStore {
  list(kind: string): readonly StoredDocument[];
  put(kind: string, document: StoredDocument): void;
  remove(kind: string, id: string): void;
  transact<Value>(work: () => Value): Value;
}

export function openDocumentStore(file: CatalogDatabase): DocumentStore {
  return {
    list: (kind) =>
      file
        .use((database) => database.prepare('SELECT id, text FROM documents WHERE kind = ? ORDER BY number').all(kind))
        .map(({ id, text }) => ({ id: String(id), text: String(text) })),
    put: (kind, { id, text }) => {
      const sql = 'INSERT INTO documents (kind, id, text) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET text = excluded.text';
      file.use((database) => database.prepare(sql).run(kind, id, text));
    },
    remove: (kind, id) => {
      file.use((database) => database.prepare('DELETE FROM documents WHERE kind = ? AND id = ?').run(kind, id));
    },
    transact: (work) => file.transact(work),
  };
}
