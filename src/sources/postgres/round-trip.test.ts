import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CapturedFiles, captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { richDatabase, richFingerprint, richRoles } from '../../../test/harness/postgres/rich-database.ts';
import { type ThrowawayCluster, startCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import { readManifest } from './manifest.ts';
import { createPostgresSource } from './postgres-source.ts';
import type { PostgresRestoreRequest } from './restore-request.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const name = 'rich / "db"';
let cluster: ThrowawayCluster;
let captured: CapturedFiles;
let original: string;

beforeAll(async () => {
  cluster = await startCluster({ databases: [name] });
  await cluster.psql(richRoles);
  await cluster.psql(richDatabase, name);
  original = await cluster.psql(richFingerprint, name);
  captured = await captureToFiles(sourceOf(cluster));
});

afterAll(async () => {
  await captured?.remove();
  await cluster?.stop();
});

const sourceOf = (server: ThrowawayCluster) =>
  createPostgresSource({ component: 'database', at: { url: server.url(name) }, environment: { PATH: process.env['PATH'] } });
const restore = (request: PostgresRestoreRequest) => sourceOf(cluster).restore(captured, request, collectingContext());

describe('capture', () => {
  test('holds the archive, the roles and the manifest', async () => {
    const paths: string[] = [];
    for await (const { path } of captured.list('/postgres')) paths.push(path);
    const folder = '/postgres/rich %2F "db"';
    expect(paths.toSorted()).toEqual([`${folder}/database.dump`, `${folder}/manifest.json`, `${folder}/roles.sql`]);
    const manifest = await readManifest('manifest', captured.read(`${folder}/manifest.json`));
    expect(manifest).toMatchObject({
      database: name,
      largeObjects: 2,
      server: { major: 15 },
      extensions: { pg_trgm: '1.6' },
      properties: { encoding: 'UTF8' },
    });
    expect(manifest.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    const rows = Object.fromEntries(manifest.tables.map((table) => [`${table.schema}.${table.name}`, table.rows]));
    expect(rows).toEqual({
      'Weird "Name".🐘 table; --': 3,
      'public.cache': 1,
      'public.child': 2,
      'public.customers': 2000,
      'public.empty_table': 0,
      'public.events_2025': 213,
      'public.events_2026': 187,
      'public.events_rest': 0,
      'public.no_columns': 2,
      'public.orders': 5003,
      'public.parent': 1,
      'public.tenants': 2,
    });
  });

  test('describes itself without the password', async () => {
    const description = await sourceOf(cluster).describe();
    expect(description).toMatchObject({ kind: 'postgres', component: 'database', title: `database ${name} on 127.0.0.1:${cluster.port}` });
    expect(JSON.stringify(description)).not.toContain(cluster.password);
  });
});

describe('round trip', () => {
  test('into a new database everything is equal', async () => {
    const outcome = await restore({ into: 'copy' });
    expect(outcome.facts).toMatchObject({ database: 'copy', tables: 12, rows: 7414, mismatches: 0 });
    expect(await cluster.psql(richFingerprint, 'copy')).toBe(original);
  });

  test('with jobs into a new database everything is equal', async () => {
    await restore({ into: 'parallel', jobs: 2 });
    expect(await cluster.psql(richFingerprint, 'parallel')).toBe(original);
  });

  test('recreate replaces a damaged database while somebody is connected', async () => {
    await restore({ into: 'damaged' });
    await cluster.query('DROP TABLE orders CASCADE; CREATE TABLE intruder (); DELETE FROM customers', 'damaged');
    const lingering = cluster.query('SELECT pg_sleep(600)', 'damaged').then(
      () => 'survived',
      () => 'ended',
    );
    await restore({ into: 'damaged', recreate: true });
    expect(await lingering).toBe('ended');
    expect(await cluster.psql(richFingerprint, 'damaged')).toBe(original);
    const left = await cluster.query("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast%'");
    expect(left).toEqual([]);
  });

  test('clean puts an existing database right and leaves what is not in the backup', async () => {
    await restore({ into: 'cleaned' });
    await cluster.query('DELETE FROM orders; DROP TABLE tenants; CREATE TABLE mine AS SELECT 1 AS one', 'cleaned');
    const outcome = await restore({ into: 'cleaned', clean: true });
    expect(outcome.facts).toMatchObject({ rows: 7414, mismatches: 0 });
    expect(await cluster.query('SELECT * FROM mine', 'cleaned')).toEqual([{ one: 1 }]);
  });

  test('schema first, rows after', async () => {
    await restore({ into: 'twice', schemaOnly: true });
    expect(await cluster.query('SELECT count(*)::int AS n FROM customers', 'twice')).toEqual([{ n: 0 }]);
    const outcome = await restore({ into: 'twice', dataOnly: true });
    expect(outcome.facts).toMatchObject({ rows: 7414, mismatches: 0 });
    await expect(restore({ into: 'twice', dataOnly: true })).rejects.toMatchObject({ code: 'postgres-restore-refused' });
  });

  test('chosen tables come with indexes, partitions, sequences and types', async () => {
    const context = collectingContext();
    const request = { into: 'chosen', tables: ['orders', 'public.events', '"Weird ""Name"""."🐘 table; --"'] };
    const outcome = await sourceOf(cluster).restore(captured, request, context);
    expect(outcome.facts).toMatchObject({ tables: 5, rows: 5406, mismatches: 0 });
    expect(context.collected).toContainEqual({
      type: 'notice',
      message: 'Foreign keys to tables that were not chosen are left out: orders orders_customer_fkey.',
    });
    const indexes = (database: string) =>
      cluster.psql("SELECT indexdef FROM pg_indexes WHERE tablename ~ '^(orders|events)' ORDER BY 1", database);
    expect(await indexes('chosen')).toBe(await indexes(name));
    expect(await cluster.psql("SELECT nextval('orders_id_seq')", 'chosen')).toBe('5004\n');
    expect(
      (
        await cluster.psql(
          "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
          'chosen',
        )
      )
        .trim()
        .split('\n'),
    ).toEqual(['events_2025', 'events_2026', 'events_rest', 'orders']);
  });

  test('a dropped table comes back into its database, and not over one that is there', async () => {
    await restore({ into: 'lost' });
    await expect(restore({ into: 'lost', tables: ['tenants'] })).rejects.toMatchObject({ code: 'postgres-restore-refused' });
    await cluster.query('DROP TABLE tenants', 'lost');
    expect((await restore({ into: 'lost', tables: ['tenants'] })).facts).toMatchObject({ tables: 1, rows: 2, mismatches: 0 });
    expect(await cluster.psql(richFingerprint, 'lost')).toBe(original);
  });

  test('only the rows of a chosen table leave its foreign keys as they are, and no word is said about them', async () => {
    await restore({ into: 'rows', schemaOnly: true });
    const context = collectingContext();
    const outcome = await sourceOf(cluster).restore(captured, { into: 'rows', tables: ['orders'], dataOnly: true }, context);
    expect(outcome.facts).toMatchObject({ tables: 1, mismatches: 0 });
    expect(context.collected.filter(({ type }) => type === 'notice')).toEqual([]);
    expect(await cluster.query("SELECT conname FROM pg_constraint WHERE conname = 'orders_customer_fkey'", 'rows')).toHaveLength(1);
  });

  test('onto an empty server, with the roles that were saved', async () => {
    const other = await startCluster();
    try {
      await other.query("CREATE ROLE app_reader; ALTER ROLE app_reader SET work_mem = '1MB'");
      const source = createPostgresSource({
        component: 'database',
        at: { url: other.url('postgres') },
        environment: { PATH: process.env['PATH'] },
      });
      await expect(source.restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'postgres-role-missing' });
      expect(await other.query("SELECT datname FROM pg_database WHERE datname NOT LIKE 'template%'")).toEqual([{ datname: 'postgres' }]);
      const outcome = await source.restore(captured, { roles: true }, collectingContext());
      expect(outcome.facts).toMatchObject({ database: name, roles: 2, mismatches: 0 });
      expect(await other.psql(richFingerprint, name)).toBe(original);
      const roles = await other.query<{ role: string }>(
        "SELECT concat(rolname, rolcanlogin, rolconnlimit, rolconfig, (SELECT string_agg(m.roleid::regrole::text, ',') FROM pg_auth_members m WHERE m.member = r.oid)) AS role FROM pg_roles r WHERE rolname !~ '^pg_' ORDER BY 1",
      );
      expect(roles.map(({ role }) => role)).toEqual([
        'Role "X" éf3app_reader',
        'app_ownert-1',
        'app_readerf-1{work_mem=1MB}',
        'postgrest-1',
      ]);
      const login = createPostgresSource({
        component: 'database',
        at: { url: other.url('postgres', 'app_owner', 'owner-secret') },
        environment: { PATH: process.env['PATH'] },
      });
      expect((await login.describe()).title).toContain('database postgres');
      await source.restore(captured, { into: 'ours', noOwner: true }, collectingContext());
      expect(
        await other.query("SELECT DISTINCT tableowner AS owner FROM pg_tables WHERE schemaname !~ '^(pg_|information)'", 'ours'),
      ).toEqual([{ owner: 'postgres' }]);
    } finally {
      await other.stop();
    }
  });

  test('an ordinary owner, who is no superuser, can do it all', async () => {
    const server = await startCluster();
    try {
      await server.query("CREATE ROLE app LOGIN CREATEDB PASSWORD 'app-secret'");
      await server.query('CREATE DATABASE owned OWNER app');
      const source = createPostgresSource({
        component: 'database',
        at: { url: server.url('owned', 'app', 'app-secret') },
        environment: { PATH: process.env['PATH'] },
      });
      const asOwner = (sql: string) => server.query(`SET ROLE app; ${sql}`, 'owned');
      await asOwner(
        'CREATE EXTENSION pg_trgm; CREATE TABLE a AS SELECT n FROM generate_series(1, 1000) n; CREATE VIEW v AS SELECT sum(n) FROM a',
      );
      const saved = await captureToFiles(source);
      expect(saved.events.filter(({ type }) => type === 'notice')).toHaveLength(1);
      await asOwner('DELETE FROM a');
      for (const request of [{ clean: true }, { recreate: true }, { into: 'other' }]) {
        expect((await source.restore(saved, request, collectingContext())).facts).toMatchObject({ tables: 1, rows: 1000, mismatches: 0 });
      }
      expect(
        await server.query(
          'SELECT sum::int, pg_get_userbyid(datdba) AS owner FROM v, pg_database WHERE datname = current_database()',
          'owned',
        ),
      ).toEqual([{ sum: 500_500, owner: 'app' }]);
      await saved.remove();
    } finally {
      await server.stop();
    }
  });
});
