/** Finds the PostgreSQL programs of this machine that fit a server. */
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { runSubprocess } from '../../util/subprocess.ts';
import type { Environment } from './connection.ts';

export type ToolName = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql';

export interface PostgresTool {
  readonly name: ToolName;
  readonly path: string;
  /** As it says itself: `15.18`. */
  readonly version: string;
  readonly major: number;
}

export interface ToolPlaces {
  /** Only this folder is looked into, when given. */
  readonly folder?: string;
  readonly environment: Environment;
}

export interface ToolNeed {
  readonly title: string;
  /** For messages: `16.3`. */
  readonly serverVersion: string;
  /** The lowest major version that will do. */
  readonly major: number;
}

/**
 * The tool to use with a server: of the same major version where there is one, else the nearest newer one. Throws
 * `postgres-tools-missing`, or `postgres-tools-old` when there are only older ones.
 */
export async function findTool(name: ToolName, need: ToolNeed, places: ToolPlaces): Promise<PostgresTool> {
  const found = await listTools(name, places);
  const fitting = found.filter(({ major }) => major >= need.major).toSorted((a, b) => a.major - b.major);
  const [best] = fitting;
  if (best !== undefined) return best;
  const packageName = `postgresql-client-${need.major}`;
  const newest = found.toSorted((a, b) => b.major - a.major)[0];
  if (newest === undefined) {
    const looked = places.folder ?? '/usr/lib/postgresql/*/bin and PATH';
    throw new HoldfastError('postgres-tools-missing', { tool: name, places: looked, package: packageName });
  }
  throw new HoldfastError('postgres-tools-old', {
    tool: name,
    toolVersion: newest.version,
    title: need.title,
    serverVersion: need.serverVersion,
    package: packageName,
  });
}

/** Every copy of a tool on this machine that runs and says its version. */
async function listTools(name: ToolName, places: ToolPlaces): Promise<PostgresTool[]> {
  const folders =
    places.folder === undefined ? [...(await versionedFolders()), ...(places.environment['PATH'] ?? '').split(delimiter)] : [places.folder];
  const paths = new Set<string>();
  for (const folder of folders) {
    const path = join(folder, name);
    if (folder !== '' && existsSync(path)) paths.add(await realpath(path));
  }
  const tools: PostgresTool[] = [];
  for (const path of paths) {
    /* Debian's wrapper is a script that chooses among the versions; those are found by themselves. */
    if (path.endsWith('/pg_wrapper')) continue;
    const version = await askVersion(path, places.environment);
    if (version !== undefined) tools.push({ name, path, ...version });
  }
  return tools;
}

async function askVersion(path: string, environment: Environment): Promise<{ version: string; major: number } | undefined> {
  const end = await runSubprocess({ file: path, args: ['--version'], env: { PATH: environment['PATH'] ?? '', LC_ALL: 'C' } });
  const version = /\(PostgreSQL\) (\d+)(\S*)/.exec(end.stdout.toString('utf8'));
  if (end.status !== 0 || version === null) return undefined;
  return { version: `${version[1]}${version[2]}`, major: Number(version[1]) };
}

async function versionedFolders(): Promise<string[]> {
  const folders: string[] = [];
  for (const [root, tail] of [
    ['/usr/lib/postgresql', 'bin'],
    ['/opt/homebrew/opt', 'bin'],
    ['/usr/local/opt', 'bin'],
  ] as const) {
    for (const name of existsSync(root) ? await readdir(root) : []) {
      if (root === '/usr/lib/postgresql' || /^(postgresql(@\d+)?|libpq)$/.test(name)) folders.push(join(root, name, tail));
    }
  }
  for (const name of existsSync('/usr') ? await readdir('/usr') : []) if (/^pgsql-\d+$/.test(name)) folders.push(join('/usr', name, 'bin'));
  return folders;
}
