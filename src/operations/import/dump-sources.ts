/** Dumps as the components that `restore` knows: the layout is that of sources/postgres. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { encodeManifest } from '../../sources/postgres/manifest.ts';
import { databaseFolder, dumpNames } from '../../sources/postgres/tree-layout.ts';
import type { StreamEntry } from '../../sources/source.ts';
import { importedManifest, type ImportedDump } from './imported-manifest.ts';
import { decompress } from './layers.ts';
import { readScript } from './read-script.ts';

/** An archive in custom format. */
export async function* archiveEntries(
  dump: ImportedDump,
  open: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamEntry, void, undefined> {
  const folder = databaseFolder(dump.database);
  yield { path: `${folder}/${dumpNames.custom}`, modified: dump.time, open };
  yield manifestEntry(dump);
}

/** A folder in directory format; what is compressed in it is stored plain, so that the next one shares its data. */
export async function* directoryEntries(
  dump: ImportedDump,
  path: string,
  files: readonly string[],
): AsyncGenerator<StreamEntry, void, undefined> {
  const folder = databaseFolder(dump.database);
  for (const name of files.filter(isDumpFile)) {
    const open = (): AsyncIterable<Uint8Array> => {
      const bytes = createReadStream(join(path, name)) as AsyncIterable<Uint8Array>;
      return name.endsWith('.gz') ? decompress(bytes, 'gzip') : bytes;
    };
    yield { path: `${folder}/${dumpNames.directory}/${name.replace(/\.gz$/, '')}`, modified: dump.time, open };
  }
  yield manifestEntry(dump);
}

/** `restore.sql` of the tar format is for people. */
export function isDumpFile(name: string): boolean {
  return /^(toc\.dat|\d+\.dat|blobs(_\d+)?\.toc|blob_\d+\.dat)(\.gz)?$/.test(name);
}

export interface ImportedScript {
  readonly roles: boolean;
  /** In the order in which they come. */
  readonly databases: readonly ImportedDump[];
}

/** SQL: of pg_dumpall each database by itself, and the roles beside each. */
export async function* scriptEntries(
  script: ImportedScript,
  open: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamEntry, void, undefined> {
  let roles: Buffer | undefined;
  let next = 0;
  for await (const part of readScript(open())) {
    if (part.kind === 'roles') {
      const lines: Buffer[] = [];
      for await (const batch of part.lines) lines.push(...batch);
      roles = Buffer.concat(lines);
      continue;
    }
    const dump = script.databases[next];
    next += 1;
    if (dump === undefined || (dump.facts.tables.length === 0 && isServersOwn(dump.database) && script.databases.length > 1)) {
      for await (const _ of part.lines);
      continue;
    }
    const folder = databaseFolder(dump.database);
    yield { path: `${folder}/${dumpNames.plain}`, modified: dump.time, open: () => joined(part.lines) };
    if (roles !== undefined) {
      const sql = roles;
      yield { path: `${folder}/roles.sql`, modified: dump.time, open: () => once(sql) };
    }
    yield manifestEntry(dump);
  }
}

/** pg_dumpall dumps these too, and they are on every server. */
export function isServersOwn(database: string): boolean {
  return database === 'postgres' || database === 'template1';
}

function manifestEntry(dump: ImportedDump): StreamEntry {
  const bytes = encodeManifest(importedManifest(dump));
  return { path: `${databaseFolder(dump.database)}/manifest.json`, modified: dump.time, open: () => once(bytes) };
}

async function* joined(lines: AsyncIterable<readonly Buffer[]>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const batch of lines) yield Buffer.concat(batch);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
