/** Everything about the application that must be the same after a recovery, each fact in words that show what differs. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { listTree } from './list-tree.ts';
import { askHealth } from './application.ts';
import { database, type DemoApplication, runOrThrow } from './demo-application.ts';

/** Facts by name, in sections such as `table`, `file`, `health`. */
export interface Fingerprint {
  readonly rows: number;
  readonly facts: ReadonlyMap<string, string>;
}

/** Reads everything. Throws where the database or the code cannot be read. */
export async function takeFingerprint(application: DemoApplication): Promise<Fingerprint> {
  const tables = await readTables(application);
  return {
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    facts: new Map([
      ...tables.map(({ name, rows, md5 }) => [`table ${name}`, `${rows} rows, MD5 ${md5}`] as const),
      ...(await readDatabase(application)),
      ...(await readFiles(application.folder)),
      ['code', await describeCode(application)] as const,
      ['health', await askHealth(application)] as const,
    ]),
  };
}

/** Count, and checksum of the rows in the order of their text, of every table. `schema_migrations` is one of them. */
async function readTables({ cluster }: DemoApplication): Promise<{ name: string; rows: number; md5: string }[]> {
  const names = await cluster.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    database,
  );
  return cluster.query(
    names
      .map(
        ({ name }) =>
          `SELECT '${name}' AS name, count(*)::int AS rows, md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C"), '')) AS md5 FROM ${name} t`,
      )
      .join(' UNION ALL '),
    database,
  );
}

/** Sequences, roles, and what pg_dump says of the schema. */
async function readDatabase(application: DemoApplication): Promise<(readonly [string, string])[]> {
  const facts = await application.cluster.query<{ name: string; fact: string }>(
    `SELECT format('sequence %I', sequencename) AS name, coalesce(last_value::text, 'unused') AS fact FROM pg_sequences
     UNION ALL SELECT format('role %I', rolname), concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, md5(rolpassword))
       FROM pg_authid WHERE rolname NOT LIKE 'pg\\_%' ORDER BY 1`,
    database,
  );
  const dump = await runOrThrow(application, 'pg_dump', ['--schema-only', database], { PGPASSWORD: application.cluster.password });
  /* Comments, and the key of this one dump, say nothing about the schema. */
  const lines = dump.split('\n').filter((line) => !/^(--|$|\\(un)?restrict )/.test(line));
  const schema = createHash('md5').update(lines.join('\n')).digest('hex');
  return [...facts.map(({ name, fact }) => [name, fact] as const), ['schema', `${lines.length} lines, MD5 ${schema}`]];
}

/** Of every entry but git's own: SHA-256 or target, mode, owner; of uploads the time too, which git does not keep for code. */
async function readFiles(folder: string): Promise<(readonly [string, string])[]> {
  const paths = (await listTree(folder)).filter((path) => path !== '.git' && !path.startsWith('.git/'));
  const facts: (readonly [string, string])[] = [];
  for (const path of paths) {
    const info = await lstat(join(folder, path), { bigint: true });
    const content = info.isSymbolicLink()
      ? `link to ${await readlink(join(folder, path))}`
      : info.isDirectory()
        ? 'folder'
        : `SHA-256 ${await digest(join(folder, path))}`;
    const mode = info.isSymbolicLink() ? '' : `, mode ${(info.mode & 0o7777n).toString(8).padStart(4, '0')}`;
    const time = path.startsWith('uploads/') && info.isFile() ? `, time ${info.mtimeNs}` : '';
    facts.push([`${info.isDirectory() ? 'folder' : 'file'} ${path}`, `${content}${mode}, owner ${info.uid}:${info.gid}${time}`]);
  }
  return facts;
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** The commit, its branch, and what differs from it. */
async function describeCode(application: DemoApplication): Promise<string> {
  const commit = await runOrThrow(application, 'git', ['rev-parse', 'HEAD']);
  const branch = await runOrThrow(application, 'git', ['branch', '--show-current']);
  const changed = await runOrThrow(application, 'git', ['status', '--short']);
  return `${commit.trim()} on ${branch.trim()}${changed === '' ? ', nothing changed' : `, changed: ${changed.trim().split('\n').join('; ')}`}`;
}
