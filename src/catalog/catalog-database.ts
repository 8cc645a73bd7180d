/**
 * The file that the catalog lies in. Several processes use it at once, and any of them may be killed: SQLite's log sees to that. A file that is
 * damaged is set aside and begun anew, for it holds nothing that is not somewhere else; one of a newer program is left alone.
 */
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { Clock } from '../util/clock.ts';
import { prepareTables } from './catalog-schema.ts';

export const catalogFile = 'catalog.db';

export interface CatalogPlace {
  /** The state folder. */
  readonly folder: string;
  readonly clock: Clock;
  /** Told when a damaged file was set aside. */
  readonly onNotice: (message: string) => void;
}

/** What is done with the tables. A statement that was asked for is kept: to prepare it takes longer than to run it. */
type Tables = Pick<DatabaseSync, 'exec' | 'prepare'>;

interface OpenFile {
  readonly database: DatabaseSync;
  readonly tables: Tables;
  readonly inode: number;
}

/** How long one process waits for another to finish writing. */
const waitMs = 5000;
const attempts = 20;
const damage = new Set([11, 26]); // SQLITE_CORRUPT, SQLITE_NOTADB
const busy = 5;
const mostStatements = 100;

export class CatalogDatabase {
  readonly path: string;
  readonly #place: CatalogPlace;
  #open: OpenFile | undefined;

  /** Throws `catalog-failed`, `catalog-newer`. */
  constructor(place: CatalogPlace) {
    this.#place = place;
    this.path = join(place.folder, catalogFile);
    this.use(() => {});
  }

  /** Works with the tables. Throws `catalog-failed`, `catalog-newer`, and what `work` throws. */
  use<Value>(work: (tables: Tables) => Value): Value {
    try {
      return work(this.#opened().tables);
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      if (!isOfSqlite(error)) throw error;
      if (!damage.has(codeOf(error)) || this.#isWithin()) throw this.#failed(error);
    }
    try {
      this.#setAside();
      return work(this.#opened().tables);
    } catch (error) {
      throw isOfSqlite(error) ? this.#failed(error) : error;
    }
  }

  /** The same with no other process writing meanwhile; what `work` throws undoes it. Within another it is part of that. */
  transact<Value>(work: (tables: Tables) => Value): Value {
    return this.use((tables) => {
      if (this.#isWithin()) return work(tables);
      tables.prepare('BEGIN IMMEDIATE').run();
      try {
        const value = work(tables);
        tables.prepare('COMMIT').run();
        return value;
      } catch (error) {
        if (this.#isWithin()) tables.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Reads all of it and sets it aside where it is damaged. */
  verify(): void {
    const found = this.use((database) => database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']);
    if (found !== 'ok') this.#setAside();
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
  }

  /** Another process may have set the file aside: then it is opened anew. */
  #opened(): OpenFile {
    if (this.#open !== undefined && (this.#isWithin() || this.#open.inode === inodeOf(this.path))) return this.#open;
    this.close();
    try {
      mkdirSync(this.#place.folder, { recursive: true, mode: 0o700 });
      closeSync(openSync(this.path, 'a', 0o600));
      chmodSync(this.path, 0o600);
    } catch (error) {
      throw this.#failed(error);
    }
    const inode = inodeOf(this.path);
    const database = new DatabaseSync(this.path, { timeout: waitMs });
    const open = { database, tables: keepStatements(database), inode: inode ?? -1 };
    this.#open = open;
    patiently(() => {
      prepareTables(database, this.path);
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304');
    });
    return open;
  }

  #isWithin(): boolean {
    return this.#open?.database.isTransaction === true;
  }

  #setAside(): void {
    const { inode } = this.#open ?? {};
    this.close();
    // Another process may have done it already.
    if (inode === undefined || inodeOf(this.path) !== inode) return;
    const mark = this.#place.clock.now().toISOString().replaceAll(/[:.]/g, '-');
    const aside = join(this.#place.folder, `catalog-damaged-${mark}.db`);
    renameSync(this.path, aside);
    for (const suffix of ['-wal', '-shm']) rmSync(`${this.path}${suffix}`, { force: true });
    this.#place.onNotice(
      `the history of runs was damaged; it is kept as ${aside}, and begun anew (nothing in the repositories is concerned)`,
    );
  }

  #failed(cause: unknown): HoldfastError {
    return new HoldfastError('catalog-failed', { path: this.path, reason: reasonOf(cause) }, cause);
  }
}

function keepStatements(database: DatabaseSync): Tables {
  const statements = new Map<string, StatementSync>();
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const made = database.prepare(sql);
      if (statements.size >= mostStatements) statements.clear();
      statements.set(sql, made);
      return made;
    },
  };
}

/** Where two begin to use a file at the same moment, SQLite refuses one of them without waiting. */
function patiently(work: () => void): void {
  for (let attempt = 1; ; attempt++) {
    try {
      return work();
    } catch (error) {
      if (!isOfSqlite(error) || codeOf(error) !== busy || attempt === attempts) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function isOfSqlite(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}

/** The primary code of SQLite's. */
function codeOf(error: Error): number {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
}
