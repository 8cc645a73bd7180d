/** Puts a dump, or a part of it, into a database with the program that its format needs. */
import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../source.ts';
import { ArchiveReader } from './archive/archive-reader.ts';
import { type ArchiveEntry, ArchiveFormatError, parseContents } from './archive/archive-toc.ts';
import { contentsFile } from './dump-directory.ts';
import type { PreparedRestore } from './restore.ts';
import { runPgRestore } from './run-pg-restore.ts';
import { runPsql } from './run-psql.ts';
import { type EntrySelection, selectAll, selectSchemas, selectTables } from './select-entries.ts';
import type { PostgresServer } from './server.ts';

export interface Filling {
  /** All of the dump when absent. */
  readonly selection?: EntrySelection;
  /** Of pg_restore. */
  readonly options: readonly string[];
  /** Statements before a script in plain SQL. */
  readonly before: readonly string[];
}

/** Throws what `runPgRestore` and `runPsql` throw. */
export async function fillDatabase(prepared: PreparedRestore, target: PostgresServer, filling: Filling): Promise<void> {
  const { job, request, captured, database, tool } = prepared;
  const { signal } = job.context;
  const common = { server: target, database, tool, from: job.from, captured, signal };
  job.context.events({ type: 'phase', phase: `restore database ${database}` });
  if (captured.format === 'plain') return runPsql({ ...common, before: filling.before });
  const options = [...filling.options];
  if (request.schemaOnly === true) options.push('--schema-only');
  if (request.dataOnly === true) options.push('--data-only');
  if (request.noOwner === true) options.push('--no-owner', '--no-privileges');
  return runPgRestore({
    ...common,
    options,
    ...(filling.selection === undefined ? {} : { entries: filling.selection.ids }),
    jobs: request.jobs ?? 1,
  });
}

/** The entries of the archive that were asked for; undefined for a whole dump of a whole database. */
export async function chooseEntries(
  { job, request, captured, manifest }: PreparedRestore,
  options: { readonly withGround: boolean },
): Promise<EntrySelection | undefined> {
  const { tables, schemas, schemaOnly, dataOnly } = request;
  if (captured.format === 'plain') return undefined;
  const isPart = manifest.dump.tables !== undefined || manifest.dump.schemas !== undefined;
  if (tables === undefined && schemas === undefined && !isPart) return undefined;
  const entries = await readContents(captured.dump, captured.format, job.from);
  if (tables === undefined && schemas === undefined) return selectAll(entries);
  const selection = tables === undefined ? selectSchemas(entries, schemas ?? [], options) : selectTables(entries, tables, options);
  /* Where only rows are put back, the keys are there or are not, and nothing becomes of them. */
  if (schemaOnly !== true && dataOnly !== true && selection.foreignKeysLeftOut.length > 0) {
    job.context.events({
      type: 'notice',
      message: `Foreign keys to tables that were not chosen are left out: ${selection.foreignKeysLeftOut.join(', ')}.`,
    });
  }
  return selection;
}

async function readContents(dump: string, format: 'custom' | 'directory', from: CapturedTree): Promise<readonly ArchiveEntry[]> {
  const path = format === 'custom' ? dump : `${dump}/${contentsFile}`;
  try {
    if (format === 'directory') {
      const chunks: Uint8Array[] = [];
      for await (const chunk of from.read(path)) chunks.push(chunk);
      return parseContents(Buffer.concat(chunks));
    }
    const reader = new ArchiveReader();
    for await (const chunk of from.read(path)) {
      reader.push(chunk);
      if (reader.hasContents) return reader.entries;
    }
    reader.finish();
    return reader.entries;
  } catch (error) {
    if (error instanceof ArchiveFormatError) throw new HoldfastError('damaged', { object: path, reason: error.message }, error);
    throw error;
  }
}
