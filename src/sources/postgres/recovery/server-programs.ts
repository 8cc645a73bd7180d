/** Finds a PostgreSQL server of this machine: a data directory is only understood by the major version that wrote it. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import { runSubprocess } from '../../../util/subprocess.ts';
import { readToolVersion } from '../choose-tool.ts';
import type { Environment } from '../connection.ts';

export interface ServerPrograms {
  /** Folder with `postgres` and `pg_ctl`. */
  readonly folder: string;
  /** `15.18` */
  readonly version: string;
}

/** Looks in `folder` where it is given, else where PostgreSQL is usually installed and on PATH. Throws `server-programs-missing`. */
export async function findServerPrograms(major: number, environment: Environment, folder?: string): Promise<ServerPrograms> {
  const folders =
    folder === undefined
      ? [
          `/usr/lib/postgresql/${major}/bin`,
          `/usr/pgsql-${major}/bin`,
          ...(await otherFolders(major)),
          ...(environment['PATH'] ?? '').split(delimiter).filter((each) => each.startsWith('/')),
        ]
      : [folder];
  for (const each of folders) {
    const version = await askVersion(each, environment);
    if (version?.major === major) return { folder: each, version: version.version };
  }
  throw new HoldfastError('server-programs-missing', { major, places: folder ?? `/usr/lib/postgresql/${major}/bin and PATH` });
}

/** Homebrew's, and what is built from source. */
async function otherFolders(major: number): Promise<string[]> {
  const found: string[] = [];
  for (const root of ['/opt/homebrew/opt', '/usr/local/opt']) {
    if (!existsSync(root)) continue;
    for (const name of await readdir(root))
      if (name === `postgresql@${major}` || name === 'postgresql') found.push(join(root, name, 'bin'));
  }
  return [...found, '/usr/local/pgsql/bin', '/usr/local/bin'];
}

async function askVersion(folder: string, environment: Environment): Promise<{ version: string; major: number } | undefined> {
  const file = join(folder, 'postgres');
  if (!existsSync(file) || !existsSync(join(folder, 'pg_ctl'))) return undefined;
  const end = await runSubprocess({ file, args: ['--version'], env: { PATH: environment['PATH'] ?? '', LC_ALL: 'C' } });
  return end.status === 0 ? readToolVersion(end.stdout.toString('utf8')) : undefined;
}
