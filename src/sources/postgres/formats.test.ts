/** Round trips in every format: pg_dump itself says whether the restored database equals the original. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { recordArguments } from '../../../test/harness/postgres/record-arguments.ts';
import { watchArguments } from '../../../test/harness/programs/watch-arguments.ts';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { everyObject, tableChecksums } from '../../../test/harness/postgres/every-object.ts';
import { richDatabase, richRoles } from '../../../test/harness/postgres/rich-database.ts';
import { type ThrowawayCluster, startCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import type { DumpOptions } from './dump-options.ts';
import { readManifest } from './manifest.ts';
import { createPostgresSource } from './postgres-source.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cluster: ThrowawayCluster;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-formats-'));
  cluster = await startCluster({ databases: ['app'] });
  await cluster.psql(richRoles);
  await cluster.psql(richDatabase, 'app');
  await cluster.psql(everyObject, 'app');
});

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

const sourceOf = (options: DumpOptions, toolsFolder = cluster.toolsFolder) =>
  createPostgresSource({
    component: 'database',
    at: { url: cluster.url('app') },
    environment: { PATH: process.env['PATH'] },
    toolsFolder,
    ...options,
  });

/** What pg_dump says of a database, without the key it makes anew each time. */
const dumpOf = (database: string, ...args: string[]): string =>
  execFileSync(join(cluster.toolsFolder, 'pg_dump'), [...args, cluster.url(database)], { encoding: 'utf8', maxBuffer: 2 ** 28 }).replaceAll(
    /^\\(un)?restrict .*$/gm,
    '',
  );

describe.each([{ format: 'custom' }, { format: 'plain' }, { format: 'directory', jobs: 3 }] as const)('$format', (options) => {
  const copy = `copy_${options.format}`;

  test('what is restored is what pg_dump sees in the original, row for row, and no password is in any argument', async () => {
    const tools = join(folder, options.format);
    const record = await recordArguments(cluster.toolsFolder, tools);
    const watch = watchArguments([cluster.password]);
    const captured = await captureToFiles(sourceOf(options, tools));
    const manifest = await readManifest('manifest', captured.read('/postgres/app/manifest.json'));
    expect(manifest).toMatchObject({
      dump: { format: options.format },
      largeObjects: 2,
      lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/) as string,
    });
    expect(manifest.tables.find(({ name }) => name === 'everything')).toEqual({ schema: 'types', name: 'everything', rows: 302 });
    const { facts } = await sourceOf({}, tools).restore(captured, { into: copy }, collectingContext());
    expect(facts).toMatchObject({ database: copy, mismatches: 0, rows: 7414 + 302 + 500 + 3 });
    expect(await watch.stop()).toEqual([]);
    const seen = await record.read();
    expect(dumpOf(copy)).toBe(dumpOf('app'));
    expect(await cluster.psql(tableChecksums, copy)).toBe(await cluster.psql(tableChecksums, 'app'));
    for (const argument of [
      `--format=${options.format}`,
      '--globals-only',
      options.format === 'plain' ? '--output=/dev/null' : '--exit-on-error',
    ])
      expect(seen).toContain(argument);
    expect(seen).not.toContain(cluster.password);
    await captured.remove();
  });

  test('a whole database is put in the place of a damaged one', async () => {
    const captured = await captureToFiles(sourceOf(options));
    await cluster.query('DROP SCHEMA kinds CASCADE; DELETE FROM tenants', copy);
    await sourceOf({}).restore(captured, { into: copy, recreate: true }, collectingContext());
    expect(dumpOf(copy)).toBe(dumpOf('app'));
    await captured.remove();
  });

  test('only the schema, then only the rows', async () => {
    const into = `${copy}_parts`;
    const schema = await captureToFiles(sourceOf({ ...options, only: 'schema' }));
    const rows = await captureToFiles(sourceOf({ ...options, only: 'data' }));
    expect((await sourceOf({}).restore(schema, { into }, collectingContext())).facts).toMatchObject({ rows: 0 });
    expect(dumpOf(into, '--schema-only')).toBe(dumpOf('app', '--schema-only'));
    await expect(sourceOf({}).restore(rows, { into: 'not_there' }, collectingContext())).rejects.toMatchObject({
      code: 'postgres-restore-refused',
    });
    if (options.format === 'plain') {
      /* Its large objects come with a COMMIT of their own. */
      await expect(sourceOf({}).restore(rows, { into }, collectingContext())).rejects.toMatchObject({ code: 'postgres-restore-refused' });
    } else {
      expect((await sourceOf({}).restore(rows, { into }, collectingContext())).facts).toMatchObject({ mismatches: 0, rows: 8219 });
      const checksums = async (database: string) =>
        (await cluster.psql(tableChecksums, database)).replaceAll(/^(public\.totals|kinds\.filled)\|.*\n/gm, '');
      expect(await checksums(into)).toBe(await checksums('app'));
    }
    await schema.remove();
    await rows.remove();
  });

  test('only some tables, without others, and only some schemas', async () => {
    const tables = async (dump: DumpOptions) => {
      const captured = await captureToFiles(sourceOf({ format: options.format, ...dump }));
      const manifest = await readManifest('manifest', captured.read('/postgres/app/manifest.json'));
      await captured.remove();
      expect(manifest.largeObjects).toBe(dump.excludeTables === undefined ? 0 : 2);
      return manifest.tables.map(({ schema, name }) => `${schema}.${name}`);
    };
    expect(await tables({ tables: ['customers', 'kinds.list*'] })).toEqual([
      'kinds.list_eu_0',
      'kinds.list_eu_1',
      'kinds.list_none',
      'public.customers',
    ]);
    expect(await tables({ schemas: ['types'] })).toEqual(['types.everything']);
    const rest = await tables({ excludeTables: ['orders', 'types.*'] });
    expect(rest).toContain('public.customers');
    expect(rest).not.toContain('public.orders');
    expect(rest).not.toContain('types.everything');
    await expect(tables({ tables: ['absent'] })).rejects.toThrow('no matching tables were found for pattern "absent"');
  });
});

test('a dump of some tables adds them to a database that lacks them, and stops at one that is there', async () => {
  const captured = await captureToFiles(sourceOf({ tables: ['tenants', 'cache'] }));
  await cluster.query('CREATE DATABASE lacking TEMPLATE copy_custom');
  await cluster.query('DROP TABLE tenants, cache', 'lacking');
  const restore = () => sourceOf({}).restore(captured, { into: 'lacking' }, collectingContext());
  expect((await restore()).facts).toMatchObject({ tables: 2, rows: 3, mismatches: 0 });
  expect(dumpOf('lacking')).toBe(dumpOf('app'));
  await expect(restore()).rejects.toMatchObject({
    code: 'postgres-restore-refused',
    message: expect.stringContaining('is there already') as string,
  });
  await captured.remove();
});

test.each(['custom', 'directory'] as const)('one schema of a %s dump, with the types it needs from others', async (format) => {
  const captured = await captureToFiles(sourceOf({ format }));
  const context = collectingContext();
  const into = `schema_${format}`;
  const { facts } = await sourceOf({}).restore(captured, { into, schemas: ['kinds'] }, context);
  expect(facts).toMatchObject({ tables: 6, rows: 503, mismatches: 0 });
  expect(dumpOf(into, '--schema=kinds')).toBe(dumpOf('app', '--schema=kinds'));
  await expect(sourceOf({}).restore(captured, { into: 'none', schemas: ['absent'] }, context)).rejects.toMatchObject({
    code: 'postgres-capture-missing',
  });
  await captured.remove();
});

test('all databases, each in a folder of its own, come back on an empty server', async () => {
  const other = await startCluster({ databases: ['app', 'odd / name'] });
  const empty = await startCluster();
  try {
    await other.query("CREATE ROLE worker LOGIN PASSWORD 'worker-secret'; CREATE ROLE viewer LOGIN PASSWORD 'viewer-secret'");
    await other.query(
      'CREATE TABLE a AS SELECT n FROM generate_series(1, 10) n; ALTER TABLE a OWNER TO worker; GRANT SELECT ON a TO viewer',
      'app',
    );
    await other.query('CREATE TABLE b AS SELECT n FROM generate_series(1, 20) n', 'odd / name');
    const all = (url: string, databases: 'all' | string[] = 'all') =>
      createPostgresSource({ component: 'database', at: { url }, databases, environment: { PATH: process.env['PATH'] } });
    expect((await all(other.url('postgres')).describe()).title).toBe(`all databases on 127.0.0.1:${other.port}`);
    const captured = await captureToFiles(all(other.url('postgres')));
    const paths: string[] = [];
    for await (const { path } of captured.list('/postgres')) paths.push(path);
    const parts = ['database.dump', 'manifest.json', 'roles.sql'];
    expect(paths.toSorted()).toEqual(
      ['app', 'odd %2F name', 'postgres'].flatMap((name) => parts.map((part) => `/postgres/${name}/${part}`)),
    );
    const { facts } = await all(empty.url('postgres')).restore(captured, { databases: 'all', roles: true }, collectingContext());
    expect(facts).toMatchObject({ database: 'app, odd / name, postgres', tables: 2, rows: 30, mismatches: 0, roles: 2 });
    expect(await empty.query("SELECT tableowner FROM pg_tables WHERE tablename = 'a'", 'app')).toEqual([{ tableowner: 'worker' }]);
    expect(await empty.query('SELECT count(*)::int AS n FROM b', 'odd / name')).toEqual([{ n: 20 }]);
    await expect(all(empty.url('postgres')).restore(captured, { databases: ['none'] }, collectingContext())).rejects.toMatchObject({
      code: 'postgres-capture-missing',
      message: expect.stringContaining('app, odd %2F name, postgres') as string,
    });

    const some = await captureToFiles(all(other.url('postgres', 'viewer', 'viewer-secret'), ['app']));
    expect(some.events).toContainEqual({
      type: 'notice',
      message: 'The server\'s roles are saved without their passwords: user "viewer" may not read them.',
    });
    await some.remove();
    await expect(captureToFiles(all(other.url('postgres'), ['app', 'absent']))).rejects.toMatchObject({
      code: 'postgres-database-missing',
    });
    await captured.remove();
  } finally {
    await other.stop();
    await empty.stop();
  }
});

test('what cannot go together is refused before anything is read', () => {
  const refused = (options: DumpOptions): unknown => {
    try {
      return sourceOf(options);
    } catch (error) {
      return error;
    }
  };
  for (const options of [
    { tables: ['a'], schemas: ['b'] },
    { tables: [] },
    { schemas: [''] },
    { jobs: 2 },
    { format: 'directory', jobs: 0 },
  ] as const)
    expect(refused(options)).toMatchObject({ code: 'usage' });
});
