/** The configuration files of a server that lie outside its data directory, as Debian's do: a copy of the data directory is without them. */
import { basename, dirname, isAbsolute, relative, resolve } from 'node:path/posix';
import { HoldfastError, isError } from '../../../errors.ts';
import type { PostgresSession } from '../session.ts';

export interface ConfigurationFile {
  /** `postgresql.conf`, `pg_hba.conf`, `pg_ident.conf`, `conf.d/10-memory.conf`: below config/ in a snapshot. */
  readonly name: string;
  /** Where it lies on the server. */
  readonly path: string;
  readonly content: Uint8Array;
}

export type FileReader = (path: string) => Promise<Uint8Array>;

interface Configuration {
  readonly configuration: readonly ConfigurationFile[];
  readonly notices: readonly string[];
}

/** The settings that name a file, and what it is called in a snapshot. */
const mainFiles = [
  ['config_file', 'postgresql.conf'],
  ['hba_file', 'pg_hba.conf'],
  ['ident_file', 'pg_ident.conf'],
] as const;

/** `shown` gives a setting, undefined where the user may not see it. */
export async function readConfiguration(
  session: PostgresSession,
  shown: (name: string) => string | undefined,
  readFile: FileReader | undefined,
): Promise<Configuration> {
  const dataDirectory = shown('data_directory');
  const main = shown('config_file');
  if (dataDirectory === undefined || main === undefined) {
    const notice = 'The user may not see where the configuration files lie; let it: GRANT pg_read_all_settings TO the user.';
    return { configuration: [], notices: [notice] };
  }
  const paths = new Map<string, string>();
  for (const [setting, name] of mainFiles) {
    const path = shown(setting);
    if (path !== undefined && path !== '') paths.set(resolve(dataDirectory, path), name);
  }
  for (const path of await includedFiles(session))
    if (!paths.has(path)) paths.set(path, nameIncluded(path, dirname(main), new Set(paths.values())));
  const configuration: ConfigurationFile[] = [];
  const notices: string[] = [];
  for (const [path, name] of paths) {
    if (!isOutside(path, dataDirectory)) continue;
    const content = await readContent(session, path, readFile);
    if (content === undefined)
      notices.push(
        `The configuration file ${path} lies outside the data directory and could not be read; let the user: GRANT pg_read_server_files TO the user, and EXECUTE ON FUNCTION pg_read_binary_file(text).`,
      );
    else configuration.push({ name, path, content });
  }
  return { configuration, notices };
}

/** What postgresql.conf and pg_hba.conf include, where the user may know; the views are the superuser's unless granted. */
async function includedFiles(session: PostgresSession): Promise<string[]> {
  const found: string[] = [];
  for (const query of [
    'SELECT DISTINCT sourcefile AS path FROM pg_file_settings',
    /* The column came with 16, and with it the including. */
    "SELECT DISTINCT to_jsonb(r) ->> 'file_name' AS path FROM pg_hba_file_rules r",
  ]) {
    const rows = await session.query<{ path: string | null }>(query).catch((error: unknown) => {
      if (isError(error, 'postgres-permission')) return [];
      throw error;
    });
    for (const { path } of rows) if (path !== null && isAbsolute(path)) found.push(resolve(path));
  }
  return found.toSorted();
}

/** As it lies beside postgresql.conf; by its name alone where it lies elsewhere, with a number where that is taken. */
function nameIncluded(path: string, folder: string, taken: ReadonlySet<string>): string {
  const name = isOutside(path, folder) ? basename(path) : relative(folder, path);
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}.${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

function isOutside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '..' || way.startsWith('../') || isAbsolute(way);
}

async function readContent(session: PostgresSession, path: string, readFile: FileReader | undefined): Promise<Uint8Array | undefined> {
  try {
    const [row] = await session.query<{ content: string }>("SELECT encode(pg_read_binary_file($1), 'base64') AS content", [path]);
    if (row !== undefined) return Buffer.from(row.content, 'base64');
  } catch (error) {
    /* The server may not read its own file any more, or not for this user. */
    if (!isError(error, 'postgres-permission') && !isError(error, 'postgres-failed')) throw error;
  }
  try {
    return await readFile?.(path);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'interrupted') throw error;
    return undefined;
  }
}
