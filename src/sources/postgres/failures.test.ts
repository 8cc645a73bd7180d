import { chmod, mkdir, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { type ThrowawayCluster, startCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import type { HoldfastError } from '../../errors.ts';
import { createPostgresSource } from './postgres-source.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const environment = { PATH: process.env['PATH'] };
let cluster: ThrowawayCluster;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-failures-'));
  cluster = await startCluster({ databases: ['app', 'broken'] });
  await cluster.query(
    `
    CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 20) AS filler FROM generate_series(1, 150000) n;
    CREATE TABLE small AS SELECT 1 AS one;
    CREATE ROLE stranger LOGIN PASSWORD 'str:nger@secret/1';
    CREATE ROLE reader LOGIN PASSWORD 'reader-secret';
    GRANT SELECT ON big, small TO reader`,
    'app',
  );
});

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

const source = (url: string, toolsFolder?: string) =>
  createPostgresSource({ component: 'database', at: { url }, environment, ...(toolsFolder === undefined ? {} : { toolsFolder }) });

async function failureOf(work: Promise<unknown>): Promise<HoldfastError> {
  return work.then(
    () => expect.fail('it should have failed'),
    (error: HoldfastError) => error,
  );
}

/** All that a person or a log could see of an error. */
const visible = (error: unknown): string =>
  error instanceof Error
    ? [
        error.message,
        error.stack,
        'hint' in error ? error.hint : '',
        'details' in error ? JSON.stringify(error.details) : '',
        visible(error.cause),
      ].join('\n')
    : String(error);

describe('before anything is read', () => {
  test.each([
    ['a wrong password', () => cluster.url('app', 'postgres', 'not-the-password'), 'postgres-login'],
    ['no password', () => `postgresql://postgres@127.0.0.1:${cluster.port}/app`, 'postgres-login'],
    ['a database that is not there', () => cluster.url('absent'), 'postgres-database-missing'],
    ['a server that is down', () => `postgresql://postgres:not-the-password@127.0.0.1:1/app`, 'postgres-unreachable'],
    ['a host that is not there', () => `postgresql://postgres:not-the-password@nowhere.invalid/app`, 'postgres-unreachable'],
    [
      'a socket that is not there',
      () => `postgresql:///app?host=${encodeURIComponent(folder)}&user=postgres&password=not-the-password`,
      'postgres-unreachable',
    ],
  ])('%s', async (_, url, code) => {
    const error = await failureOf(captureToFiles(source(url())));
    expect(error.code).toBe(code);
    expect(visible(error)).not.toContain('not-the-password');
    expect(visible(error)).not.toContain(cluster.password);
    expect(await failureOf(source(url()).describe())).toMatchObject({ code });
  });

  test('tools that are older than the server, or missing', async () => {
    const old = join(folder, 'old');
    await mkdir(old);
    for (const tool of ['pg_dump', 'pg_dumpall']) {
      await writeFile(join(old, tool), `#!/bin/sh\necho "${tool} (PostgreSQL) 9.6.24"\n`);
      await chmod(join(old, tool), 0o755);
    }
    const error = await failureOf(source(cluster.url('app'), old).describe());
    expect(error).toMatchObject({ code: 'postgres-tools-old', details: { toolVersion: '9.6.24', package: 'postgresql-client-15' } });
    expect(error.message).toMatch(/9\.6\.24 .* version 15\./);
    expect(await failureOf(captureToFiles(source(cluster.url('app'), folder)))).toMatchObject({ code: 'postgres-tools-missing' });
  });

  test('through the socket, without a password', async () => {
    const captured = await captureToFiles(
      source(`postgresql://postgres@/app?host=${encodeURIComponent(cluster.socketFolder)}&port=${cluster.port}`),
    );
    await captured.remove();
  });
});

describe('while dumping', () => {
  test('the server ends pg_dump in the middle', async () => {
    const capture = await source(cluster.url('app')).capture(collectingContext());
    if (capture.shape !== 'streams') throw new TypeError('streams');
    let size = 0;
    const error = await failureOf(
      (async () => {
        for await (const entry of capture.entries) {
          for await (const chunk of entry.open()) {
            if (size === 0)
              expect(
                await cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump'"),
              ).toHaveLength(1);
            size += chunk.length;
          }
        }
      })(),
    );
    expect(size).toBeGreaterThan(0);
    expect(error).toMatchObject({ code: 'postgres-dump-failed' });
    expect(error.message).toMatch(/terminating connection|server closed the connection/);
    expect(visible(error)).not.toContain(cluster.password);
  });

  test('an archive that ends early with status 0 is refused', async () => {
    const cutting = join(folder, 'cutting');
    await mkdir(cutting);
    const real = join(cluster.toolsFolder, 'pg_dump');
    await writeFile(
      join(cutting, 'pg_dump'),
      `#!/bin/sh\nif [ "$1" = --version ]; then exec ${real} --version; fi\n${real} "$@" | head -c 3000000\n`,
    );
    await writeFile(join(cutting, 'pg_dumpall'), `#!/bin/sh\nexec ${real}all "$@"\n`);
    for (const tool of ['pg_dump', 'pg_dumpall']) await chmod(join(cutting, tool), 0o755);
    const error = await failureOf(captureToFiles(source(cluster.url('app'), cutting)));
    expect(error).toMatchObject({ code: 'postgres-dump-cut' });
    expect(error.message).toContain('it ends within the data of TABLE DATA public.big');
  });

  test('an abort ends pg_dump and the sessions', async () => {
    const controller = new AbortController();
    const capture = await source(cluster.url('app')).capture({ events: () => {}, signal: controller.signal });
    if (capture.shape !== 'streams') throw new TypeError('streams');
    const run = async (): Promise<void> => {
      for await (const entry of capture.entries) for await (const chunk of entry.open()) if (chunk.length > 0) controller.abort();
    };
    expect(await failureOf(run())).toMatchObject({ code: 'interrupted' });
    for (let left = 1; left > 0;)
      [{ left }] = (await cluster.query(
        "SELECT count(*)::int AS left FROM pg_stat_activity WHERE application_name IN ('pg_dump', 'holdfast')",
      )) as [{ left: number }];
  });

  test('the password is in no argument of any process', async () => {
    const capture = await source(cluster.url('app')).capture(collectingContext());
    if (capture.shape !== 'streams') throw new TypeError('streams');
    let seen = '';
    for await (const entry of capture.entries) {
      for await (const chunk of entry.open()) if (seen === '' && chunk.length > 0) seen = await allArguments();
    }
    expect(seen).toContain('--format=custom');
    expect(seen).not.toContain(cluster.password);
  });

  test('a table that may not be read', async () => {
    const error = await failureOf(captureToFiles(source(cluster.url('app', 'stranger', 'str:nger@secret/1'))));
    expect(error).toMatchObject({ code: 'postgres-permission' });
    expect(error.message).toContain('permission denied for table');
    expect(visible(error)).not.toContain('nger@secret');
    expect(visible(error)).not.toContain(encodeURIComponent('str:nger@secret/1'));
  });

  test('a user who may read all tables saves roles without passwords, and hears of it', async () => {
    const captured = await captureToFiles(source(cluster.url('app', 'reader', 'reader-secret')));
    expect(captured.events).toContainEqual({
      type: 'notice',
      message: 'The server\'s roles are saved without their passwords: user "reader" may not read them.',
    });
    const roles = await readFile(join(captured.folder, 'postgres/app/roles.sql'), 'utf8');
    expect(roles).toContain('CREATE ROLE stranger');
    expect(roles).not.toContain('SCRAM-SHA-256');
    await captured.remove();
  });
});

describe('while restoring', () => {
  test('refusals change nothing', async () => {
    const captured = await captureToFiles(source(cluster.url('app')));
    const restore = (request: object) => source(cluster.url('app')).restore(captured, request, collectingContext());
    try {
      expect(await failureOf(restore({}))).toMatchObject({
        code: 'postgres-restore-refused',
        message: 'Cannot restore into database "app": it is there already and not empty.',
        hint: expect.stringMatching(/--into .*--clean .*--recreate /) as string,
      });
      expect(await failureOf(restore({ recreate: true, clean: true }))).toMatchObject({ code: 'usage' });
      expect(await failureOf(restore({ schemaOnly: true, dataOnly: true }))).toMatchObject({ code: 'usage' });
      expect(await failureOf(restore({ into: 'new', dataOnly: true }))).toMatchObject({ code: 'postgres-restore-refused' });
      expect(await failureOf(restore({ into: 'new', tables: ['absent'] }))).toMatchObject({ code: 'postgres-capture-missing' });
      expect(await failureOf(restore({ into: 'app', dataOnly: true }))).toMatchObject({ code: 'postgres-restore-refused' });
      expect(
        await failureOf(
          source(cluster.url('app', 'stranger', 'str:nger@secret/1')).restore(captured, { into: 'new' }, collectingContext()),
        ),
      ).toMatchObject({ code: 'postgres-restore-permission', hint: expect.stringMatching(/^Restore as the owner/) as string });
      expect(await cluster.query("SELECT 1 FROM pg_database WHERE datname = 'new'")).toEqual([]);
      expect(await cluster.query('SELECT count(*)::int AS n FROM big', 'app')).toEqual([{ n: 150_000 }]);
    } finally {
      await captured.remove();
    }
  });

  test('a dump that is cut or rows that are missing fail, and leave the old database as it was', async () => {
    const captured = await captureToFiles(source(cluster.url('app')));
    const restore = (request: object) => source(cluster.url('app')).restore(captured, request, collectingContext());
    try {
      const manifestPath = join(captured.folder, 'postgres/app/manifest.json');
      const manifest = await readFile(manifestPath, 'utf8');
      await writeFile(manifestPath, manifest.replace('150000', '150001'));
      const mismatch = await failureOf(restore({ recreate: true }));
      expect(mismatch).toMatchObject({ code: 'postgres-restore-mismatch', exitStatus: 4 });
      expect(mismatch.message).toContain('"public"."big" has 150000 rows of 150001');
      await writeFile(manifestPath, manifest);
      const file = await open(join(captured.folder, 'postgres/app/database.dump'), 'r+');
      await file.truncate(5_000_000);
      await file.close();
      for (const request of [{ recreate: true }, { clean: true }, { into: 'fresh' }]) {
        expect(await failureOf(restore(request))).toMatchObject({ code: 'postgres-restore-failed' });
      }
      expect(await cluster.query('SELECT count(*)::int AS n FROM big', 'app')).toEqual([{ n: 150_000 }]);
      expect(await cluster.query("SELECT datname FROM pg_database WHERE datname = 'fresh' OR datname LIKE 'holdfast%'")).toEqual([]);
    } finally {
      await captured.remove();
    }
  });

  test('what the snapshot cannot give is said as it is', async () => {
    const captured = await captureToFiles(source(cluster.url('app')));
    const failing = {
      ...captured,
      read: async function* read(path: string) {
        let given = 0;
        for await (const chunk of captured.read(path)) {
          given += chunk.length;
          if (given > 1_000_000) throw new Error('the pack is damaged');
          yield chunk;
        }
      },
    };
    await expect(source(cluster.url('app')).restore(failing, { into: 'fresh' }, collectingContext())).rejects.toThrow(
      'the pack is damaged',
    );
    expect(await cluster.query("SELECT datname FROM pg_database WHERE datname = 'fresh'")).toEqual([]);
    const none = { ...captured, list: async function* list() {} };
    expect(await failureOf(source(cluster.url('app')).restore(none, {}, collectingContext()))).toMatchObject({
      code: 'postgres-capture-missing',
    });
    await captured.remove();
  });
});

async function allArguments(): Promise<string> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.join('\n').replaceAll('\0', ' ');
}
