/** The tables, as steps from one version to the next: what is here once is never changed, only added to. */
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../errors.ts';

const steps: readonly string[] = [
  `CREATE TABLE runs (
     id TEXT PRIMARY KEY, kind TEXT NOT NULL, application TEXT, configuration TEXT, components TEXT NOT NULL, repository TEXT,
     asked_by TEXT NOT NULL, job TEXT, due INTEGER, began INTEGER NOT NULL, ended INTEGER, status TEXT NOT NULL, exit INTEGER, point TEXT,
     facts TEXT NOT NULL, error TEXT, host TEXT NOT NULL, user TEXT NOT NULL, pid INTEGER NOT NULL, process TEXT NOT NULL
   ) STRICT;
   CREATE INDEX runs_by_time ON runs (began);
   CREATE INDEX runs_by_kind ON runs (kind, began);
   CREATE INDEX runs_by_job ON runs (job, began);
   CREATE INDEX runs_running ON runs (status) WHERE status = 'running';
   CREATE TABLE schedules (job TEXT PRIMARY KEY, added INTEGER NOT NULL, last_due INTEGER) STRICT;
   CREATE TABLE documents (
     number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (kind, id)
   ) STRICT;
   CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
   CREATE TABLE audit_heads (
     repository TEXT NOT NULL, chain TEXT NOT NULL, sequence INTEGER NOT NULL, hash TEXT NOT NULL, noted INTEGER NOT NULL,
     PRIMARY KEY (repository, chain)
   ) STRICT;
   CREATE TABLE audit_waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT, text TEXT NOT NULL) STRICT;
   CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL, noted INTEGER NOT NULL) STRICT;`,
];

/** Brings the tables up to date, with no other process between. Throws `catalog-newer` where a newer program made them, and changes nothing. */
export function prepareTables(database: DatabaseSync, path: string): void {
  const version = versionOf(database);
  if (version > steps.length) throw new HoldfastError('catalog-newer', { path, version, known: steps.length });
  if (version === steps.length) return;
  if (version === 0) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have done it meanwhile.
    for (const step of steps.slice(versionOf(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  return typeof version === 'number' ? version : 0;
}
