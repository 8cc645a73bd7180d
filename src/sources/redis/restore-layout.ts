/**
 * Which files a server reads when it starts. With an append-only file it reads that and not the snapshot: since Redis 7 a server with
 * `appendonly yes` and no such file even starts empty beside a good snapshot. So the snapshot is put in place as the base of a new
 * append-only file too: a base is a snapshot.
 */
import { HoldfastError } from '../../errors.ts';
import type { RedisManifest } from './redis-manifest.ts';

export interface RestoreLayout {
  readonly dbFile: string;
  /** Absent where the server keeps none. */
  readonly appendOnly?: AppendOnlyLayout;
}

export type AppendOnlyLayout =
  /** Before Redis 7: one file. It may begin with a snapshot since Redis 4. */
  | { readonly parts: 'one'; readonly file: string }
  /** Since Redis 7: a folder with a manifest. */
  | { readonly parts: 'many'; readonly folder: string; readonly file: string };

export interface LayoutChoice {
  readonly dbFileName?: string;
  readonly appendOnly?: boolean;
}

/** What lies in the server's folder now. */
export interface FoundFiles {
  readonly appendFolder: boolean;
  readonly appendFile: boolean;
}

export interface ServerFileNames {
  readonly dbFile: string;
  readonly appendFile: string;
  readonly appendFolder: string;
}

/** The names the server used. Throws `hostile` for one that would lead out of its folder. */
export function namesOf({ server }: RedisManifest, choice: LayoutChoice): ServerFileNames {
  const names = {
    dbFile: choice.dbFileName ?? server.dbFileName ?? 'dump.rdb',
    appendFile: server.appendFileName ?? 'appendonly.aof',
    appendFolder: server.appendDirName ?? 'appendonlydir',
  };
  for (const name of Object.values(names))
    if (/[/\0\n\r"\\]/.test(name) || name === '' || name === '.' || name === '..')
      throw new HoldfastError('hostile', {
        path: JSON.stringify(name),
        reason: 'it is not the name of a file in the folder of the server',
      });
  return names;
}

/** Decides, from how the server was saved and from what lies in its folder now. */
export function chooseLayout(manifest: RedisManifest, names: ServerFileNames, choice: LayoutChoice, found: FoundFiles): RestoreLayout {
  const wanted = choice.appendOnly ?? (manifest.server.appendOnly || found.appendFile || found.appendFolder);
  if (!wanted) return { dbFile: names.dbFile };
  const many = found.appendFolder || (hasManyParts(manifest) && !found.appendFile);
  return {
    dbFile: names.dbFile,
    appendOnly: many ? { parts: 'many', folder: names.appendFolder, file: names.appendFile } : { parts: 'one', file: names.appendFile },
  };
}

/** Name of the manifest in the append-only folder. */
export function manifestName(file: string): string {
  return `${file}.manifest`;
}

/** Name of a base, and the manifest that has it as its only part. */
export function baseOf(file: string, sequence: number): { readonly base: string; readonly manifest: string } {
  const base = `${file}.${sequence}.base.rdb`;
  const written = /^[\w.-]+$/.test(base) ? base : `"${base}"`;
  return { base, manifest: `file ${written} seq ${sequence} type b\n` };
}

/** A sequence number above all that an old manifest names. */
export function nextSequence(oldManifest: string): number {
  let highest = 0;
  for (const match of oldManifest.matchAll(/ seq (\d{1,12}) type /g)) highest = Math.max(highest, Number(match[1]));
  return highest + 1;
}

/** Valkey began at 7.2. */
function hasManyParts({ server }: RedisManifest): boolean {
  return server.appendDirName !== undefined || Number.parseInt(server.version, 10) >= 7;
}
