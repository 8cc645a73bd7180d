/** The session that containers use, over psql of this machine: the same answers as a connection of our own. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type ThrowawayCluster, startCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import { parseConnection } from './connection.ts';
import { createHostServer } from './host-server.ts';
import { openPsqlSession } from './psql-session.ts';
import type { PostgresSession } from './session.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cluster: ThrowawayCluster;
let session: PostgresSession;

beforeAll(async () => {
  cluster = await startCluster();
  session = await open(cluster.url('postgres'));
});

afterAll(async () => {
  await session?.close();
  await cluster?.stop();
});

async function open(url: string): Promise<PostgresSession> {
  const environment = { PATH: process.env['PATH'] };
  const server = createHostServer({ connection: parseConnection(url, environment), environment });
  return openPsqlSession(server, await server.findTool('psql', { title: 'a test', serverVersion: '15', major: 15 }));
}

test('rows, values and names of any kind arrive as they are', async () => {
  const odd = [`it's "quoted" \\ back$1slash; \\echo :ERROR`, 'line\nbreak\ttab', '🐘 ü', '', ":user :'user' $2 {{", '\\q', '--'];
  for (const text of odd)
    expect(await session.query('SELECT $1::text AS text, $2::int AS number, $3::text AS nothing', [text, 7, null])).toEqual([
      { text, number: 7, nothing: null },
    ]);
  expect(await session.query('SELECT n, n::text AS text FROM generate_series(1, 3) n ORDER BY n DESC')).toEqual(
    [3, 2, 1].map((n) => ({ n, text: String(n) })),
  );
  expect(await session.query('SELECT FROM generate_series(1, 2)')).toEqual([{}, {}]);
  expect(await session.query('SELECT 1 AS one WHERE false')).toEqual([]);
  expect(await session.query('SELECT 1 AS one -- comment')).toEqual([{ one: 1 }]);
  const [long] = await session.query<{ text: string }>("SELECT repeat('0123456789abcdef', 100000) AS text");
  expect(long?.text).toBe('0123456789abcdef'.repeat(100_000));
});

test('statements asked for at once are answered each with its own', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => session.query('SELECT $1::int AS n', [n])));
  expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => [{ n }]));
});

test("an error is that statement's alone, with the server's code", async () => {
  await expect(session.query('SELECT 1 / 0')).rejects.toMatchObject({
    code: 'postgres-failed',
    message: expect.stringContaining('division by zero') as string,
  });
  await expect(session.query('SELECT broken syntax here')).rejects.toMatchObject({ code: 'postgres-failed' });
  await expect(session.query('CREATE TABEL x ()')).rejects.toMatchObject({ message: expect.stringContaining('syntax error') as string });
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await session.query('BEGIN');
  await expect(session.query('SELECT 1 / 0')).rejects.toThrow('division by zero');
  await expect(session.query('SELECT 1')).rejects.toThrow('current transaction is aborted');
  await session.query('ROLLBACK');
  await cluster.query("CREATE ROLE nobody LOGIN PASSWORD 'nobody-secret'; CREATE TABLE secret ()");
  const poor = await open(cluster.url('postgres', 'nobody', 'nobody-secret'));
  await expect(poor.query('SELECT * FROM public.secret')).rejects.toMatchObject({ code: 'postgres-permission' });
  await poor.close();
});

test("names mean the server's own objects", async () => {
  await cluster.query('CREATE FUNCTION public.json_agg(anyelement) RETURNS json LANGUAGE sql AS $$ SELECT \'"forged"\'::json $$');
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a login that fails says why, without the password', async () => {
  await expect(open(cluster.url('postgres', 'postgres', 'not-the-password'))).rejects.toMatchObject({ code: 'postgres-login' });
  await expect(open(cluster.url('absent'))).rejects.toMatchObject({ code: 'postgres-database-missing' });
  await expect(open('postgresql://postgres:not-the-password@127.0.0.1:1/postgres')).rejects.toMatchObject({ code: 'postgres-unreachable' });
});

test('a session that the server ends fails from then on', async () => {
  const ended = await open(cluster.url('postgres'));
  const [backend] = await ended.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await cluster.query('SELECT pg_terminate_backend($1)', 'postgres', [backend?.pid]);
  await expect(ended.query('SELECT 1')).rejects.toMatchObject({ name: 'HoldfastError' });
  await expect(ended.query('SELECT 1')).rejects.toMatchObject({ name: 'HoldfastError' });
  await ended.close();
});
