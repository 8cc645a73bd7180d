/** A dump that fails, however it fails, leaves the repository with the points it had: whole, and good for a restore. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { backUp } from '../../src/operations/back-up.ts';
import { restoreDatabase } from '../../src/operations/restore-database.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { systemClock } from '../../src/util/clock.ts';
import { type ThrowawayCluster, startCluster } from '../harness/postgres/throwaway-cluster.ts';
import { judge } from '../harness/programs/run-programs.ts';
import { createQuickRepository, openQuickRepository } from '../harness/repositories/quick-repository.ts';
import { idsIn } from './known-points.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const environment = { PATH: process.env['PATH'] };
let cluster: ThrowawayCluster;
let folder: string;
let repository: string;
let good: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-dump-faults-'));
  repository = join(folder, 'repository');
  cluster = await startCluster({ databases: ['app'] });
  await cluster.query('CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 20) AS filler FROM generate_series(1, 60000) n', 'app');
  await createQuickRepository(repository);
  await save({});
  good = await idsIn(repository);
});

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

const context = (signal = new AbortController().signal) => ({ clock: systemClock, events: () => {}, signal });

async function save(changes: { url?: string; script?: string; signal?: AbortSignal }): Promise<void> {
  const toolsFolder = changes.script === undefined ? cluster.toolsFolder : await faultyTools(changes.script);
  const source = createPostgresSource({ component: 'database', at: { url: changes.url ?? cluster.url('app') }, environment, toolsFolder });
  const opened = await openQuickRepository(repository);
  try {
    await backUp(opened, { components: [{ source }] }, context(changes.signal));
  } finally {
    await opened.close();
  }
}

async function faultyTools(script: string): Promise<string> {
  const tools = await mkdtemp(join(folder, 'tools-'));
  for (const name of ['pg_dump', 'pg_dumpall']) {
    const real = join(cluster.toolsFolder, name);
    const body =
      name === 'pg_dump'
        ? `if [ "$1" = --version ]; then exec ${real} --version; fi\n${script.replaceAll('REAL', real)}`
        : `exec ${real} "$@"`;
    await writeFile(join(tools, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(tools, name), 0o755);
  }
  return tools;
}

test.each([
  ['no bytes, and success', { script: 'exit 0' }, 'postgres-dump-cut'],
  ['cut, and success', { script: 'REAL "$@" | head -c 20000000' }, 'postgres-dump-cut'],
  ['killed in mid-stream', { script: 'REAL "$@" | head -c 20000000; kill -9 $$' }, 'postgres-dump-failed'],
  ['an error after all bytes', { script: 'REAL "$@"; echo "pg_dump: error: late" >&2; exit 1' }, 'postgres-dump-failed'],
  ['a login that fails', { url: 'postgresql://postgres:wrong-password@HOST/app' }, 'postgres-login'],
  ['a database that is gone', { url: 'postgresql://postgres:PASSWORD@HOST/gone' }, 'postgres-database-missing'],
])('%s: no point, and the earlier one is untouched', async (_, changes, code) => {
  const url =
    'url' in changes ? changes.url?.replace('HOST', `127.0.0.1:${cluster.port}`).replace('PASSWORD', cluster.password) : undefined;
  await expect(save({ ...changes, ...(url === undefined ? {} : { url }) })).rejects.toMatchObject({ code });
  expect(await idsIn(repository)).toEqual(good);
});

test('after all of them the point is good: restic finds nothing, and the database comes back', async () => {
  await judge(repository);
  const opened = await openQuickRepository(repository);
  try {
    const request = {
      point: { name: 'latest' },
      url: cluster.url('app'),
      restore: { into: 'back' },
      environment,
      lock: {},
    };
    expect((await restoreDatabase(opened, request, context())).facts).toMatchObject({ database: 'back', rows: 60_000, mismatches: 0 });
  } finally {
    await opened.close();
  }
});
