/** Finds the PostgreSQL programs of this machine that fit a server. */
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runSubprocess } from '../../util/subprocess.ts';
import { chooseTool, readToolVersion } from './choose-tool.ts';
import type { Environment } from './connection.ts';
import type { PostgresTool, ToolName, ToolNeed } from './server.ts';

export interface ToolPlaces {
  /** Only this folder is looked into, when given. */
  readonly folder?: string;
  readonly environment: Environment;
}

/** The tool to use with a server. Throws `postgres-tools-missing`, or `postgres-tools-old` when there are only older ones. */
export async function findTool(name: ToolName, need: ToolNeed, places: ToolPlaces): Promise<PostgresTool> {
  return chooseTool(await listTools(name, places), {
    name,
    need,
    places: places.folder ?? '/usr/lib/postgresql/*/bin and PATH',
    remedy: `Install it with: apt-get install postgresql-client-${need.major}`,
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
  return end.status === 0 ? readToolVersion(end.stdout.toString('utf8')) : undefined;
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
