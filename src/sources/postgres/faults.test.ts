/** What goes wrong in the field without anybody noticing: each is an error of its own here, and earlier points stay as they were. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SmallDisk } from '../../../test/harness/disks/small-disk.ts';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { type ThrowawayCluster, startCluster } from '../../../test/harness/postgres/throwaway-cluster.ts';
import type { HoldfastError } from '../../errors.ts';
import { parseConnection } from './connection.ts';
import type { DumpFormat, DumpOptions } from './dump-options.ts';
import { createHostServer } from './host-server.ts';
import { createPostgresSource } from './postgres-source.ts';
import { makeWorkFolder } from './work-folder.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const formats: readonly DumpFormat[] = ['custom', 'plain', 'directory'];
let cluster: ThrowawayCluster;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
  cluster = await startCluster({ databases: ['app'] });
  await cluster.query('CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 20) AS filler FROM generate_series(1, 60000) n', 'app');
});

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Place extends DumpOptions {
  readonly url?: string;
  readonly toolsFolder?: string;
  readonly temporary?: string;
}

function sourceOf({ url = cluster.url('app'), toolsFolder = cluster.toolsFolder, temporary = folder, ...options }: Place = {}) {
  return createPostgresSource({
    component: 'database',
    at: { url },
    environment: { PATH: process.env['PATH'], TMPDIR: temporary },
    toolsFolder,
    ...options,
  });
}

const failureOf = (work: Promise<unknown>): Promise<HoldfastError> =>
  work.then(
    () => expect.fail('it should have failed'),
    (error: HoldfastError) => error,
  );

/** The real tools, with one of them behind a script that does what the fault needs: `REAL` stands for the tool itself. */
async function faulty(tool: string, script: string): Promise<string> {
  const tools = await mkdtemp(join(folder, 'tools-'));
  for (const name of ['pg_dump', 'pg_dumpall', 'pg_restore', 'psql']) {
    const real = join(cluster.toolsFolder, name);
    const body =
      name === tool ? `if [ "$1" = --version ]; then exec ${real} --version; fi\n${script.replaceAll('REAL', real)}` : `exec ${real} "$@"`;
    await writeFile(join(tools, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(tools, name), 0o755);
  }
  return tools;
}

test.each(formats)('a %s dump of no bytes that "succeeded"', async (format) => {
  const toolsFolder = await faulty('pg_dump', 'exit 0');
  expect(await failureOf(captureToFiles(sourceOf({ format, toolsFolder })))).toMatchObject({ code: 'postgres-dump-cut' });
});

test('plain SQL that is cut before its end mark', async () => {
  const toolsFolder = await faulty('pg_dump', 'case "$*" in *plain*) REAL "$@" | head -c 2000000;; *) exec REAL "$@";; esac');
  const error = await failureOf(captureToFiles(sourceOf({ format: 'plain', toolsFolder })));
  expect(error).toMatchObject({ code: 'postgres-dump-cut', message: expect.stringContaining('end mark') as string });
});

test('a dump in directory format that lacks a file', async () => {
  const toolsFolder = await faulty(
    'pg_dump',
    'for a in "$@"; do case $a in --file=*) place=${a#--file=};; esac; done; REAL "$@" && rm "$place"/[0-9]*.dat',
  );
  const error = await failureOf(captureToFiles(sourceOf({ format: 'directory', toolsFolder })));
  expect(error).toMatchObject({
    code: 'postgres-dump-cut',
    message: expect.stringContaining('lacks the data of TABLE DATA public.big') as string,
  });
});

test.each(formats)('pg_dump killed in mid-stream, %s', async (format) => {
  const toolsFolder = await faulty(
    'pg_dump',
    'case "$*" in *plain*|*custom*) REAL "$@" | head -c 3000000; kill -9 $$;; *) kill -9 $$;; esac',
  );
  const error = await failureOf(captureToFiles(sourceOf({ format, toolsFolder })));
  expect(error).toMatchObject({ code: 'postgres-dump-failed', message: expect.stringContaining('SIGKILL') as string });
  expect((await readdir(folder)).filter((name) => name.startsWith('holdfast.'))).toEqual([]);
});

test('roles without an end mark', async () => {
  const toolsFolder = await faulty('pg_dumpall', 'REAL "$@" | head -c 100');
  expect(await failureOf(captureToFiles(sourceOf({ toolsFolder })))).toMatchObject({
    code: 'postgres-dump-failed',
    message: expect.stringContaining('no end mark') as string,
  });
});

test('the server is shut down in the middle of a dump', async () => {
  const other = await startCluster({ databases: ['app'] });
  await other.query('CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 20) AS filler FROM generate_series(1, 60000) n', 'app');
  const capture = await sourceOf({ url: other.url('app') }).capture(collectingContext());
  if (capture.shape !== 'streams') throw new TypeError('streams');
  const { entries } = capture;
  let stopping: Promise<void> | undefined;
  const error = await failureOf(
    (async () => {
      for await (const entry of entries) for await (const chunk of entry.open()) if (chunk.length > 0) await (stopping ??= other.stop());
    })(),
  );
  await stopping;
  expect(error.code).toMatch(/^postgres-(dump-failed|unreachable)$/);
});

test('no room for temporary files', async () => {
  await mkdir(join(folder, 'small'));
  using disk = new SmallDisk(join(folder, 'small'), 4);
  await chmod(disk.folder, 0o777);
  const place = { temporary: disk.folder };
  expect(await failureOf(captureToFiles(sourceOf({ ...place, format: 'directory' })))).toMatchObject({ code: 'postgres-room' });
  const captured = await captureToFiles(sourceOf());
  expect(await failureOf(sourceOf(place).restore(captured, { into: 'roomless', jobs: 2 }, collectingContext()))).toMatchObject({
    code: 'postgres-room',
  });
  expect(await cluster.query("SELECT FROM pg_database WHERE datname = 'roomless'")).toEqual([]);
  expect(await readdir(disk.folder)).toEqual([]);
  await captured.remove();
});

test('a full disk under the server while restoring', async () => {
  const captured = await captureToFiles(sourceOf());
  await mkdir(join(folder, 'disk'));
  using disk = new SmallDisk(join(folder, 'disk'), 24);
  const owner = spawn('chown', ['postgres', disk.folder]);
  await once(owner, 'exit');
  /* Only the tables are there: a full disk under the log would stop the server itself. */
  await chmod(folder, 0o755);
  await cluster.query(`CREATE TABLESPACE small LOCATION '${disk.folder}'`);
  await cluster.query('CREATE DATABASE tight TABLESPACE small');
  await cluster.query('CREATE TABLE kept AS SELECT 1 AS one', 'tight');
  const request = { into: 'tight', clean: true };
  expect(await failureOf(sourceOf().restore(captured, request, collectingContext()))).toMatchObject({ code: 'postgres-restore-full' });
  expect(await cluster.query('SELECT * FROM kept', 'tight')).toEqual([{ one: 1 }]);
  expect(await cluster.query("SELECT FROM pg_class WHERE relname = 'big'", 'tight')).toEqual([]);
  await cluster.query('DROP DATABASE tight');
  await cluster.query('DROP TABLESPACE small');
  await captured.remove();
});

test('a script with an error, or without its end, changes nothing in the database it is run in', async () => {
  const captured = await captureToFiles(sourceOf({ format: 'plain' }));
  await cluster.query('CREATE DATABASE empty');
  const changed = (change: (script: string) => string) => ({
    ...captured,
    read: async function* read(path: string) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of captured.read(path)) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      yield Buffer.from(path.endsWith('.sql') && !path.endsWith('roles.sql') ? change(text) : text);
    },
  });
  const restore = (change: (script: string) => string) =>
    failureOf(sourceOf().restore(changed(change), { into: 'empty' }, collectingContext()));
  expect(
    await restore((script) =>
      script.replace(
        '\n--\n-- PostgreSQL database dump complete',
        '\nSELECT no_such_function();\n--\n-- PostgreSQL database dump complete',
      ),
    ),
  ).toMatchObject({
    code: 'postgres-restore-failed',
    message: expect.stringContaining('no_such_function') as string,
  });
  expect(await restore((script) => script.slice(0, script.length / 2))).toMatchObject({ code: 'damaged' });
  expect(await cluster.query("SELECT FROM pg_class WHERE relname = 'big'", 'empty')).toEqual([]);
  expect((await sourceOf().restore(captured, { into: 'empty' }, collectingContext())).facts).toMatchObject({ rows: 60_000, mismatches: 0 });
  await captured.remove();
});

test('a file name that pg_dump does not give is not written anywhere', async () => {
  const captured = await captureToFiles(sourceOf({ format: 'directory', jobs: 1 }));
  await writeFile(join(captured.folder, 'postgres/app/directory/x; touch'), '');
  expect(await failureOf(sourceOf().restore(captured, { into: 'odd' }, collectingContext()))).toMatchObject({ code: 'damaged' });
  await captured.remove();
});

test('a temporary folder goes away with the process that was killed', async () => {
  const script = `
    import { makeWorkFolder } from '${import.meta.dirname}/work-folder.ts';
    import { createHostServer } from '${import.meta.dirname}/host-server.ts';
    import { parseConnection } from '${import.meta.dirname}/connection.ts';
    const environment = { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR };
    console.log((await makeWorkFolder(createHostServer({ connection: parseConnection('postgresql://h/d', environment), environment }))).path);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    env: { PATH: process.env['PATH'], TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [path] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  expect(await readdir(path.trim())).toEqual([]);
  child.kill('SIGKILL');
  await vi.waitFor(async () => expect((await readdir(folder)).filter((name) => name.startsWith('holdfast.'))).toEqual([]), {
    timeout: 60_000,
  });
});

test('a folder that cannot be made', async () => {
  const environment = { PATH: process.env['PATH'], TMPDIR: '/nowhere' };
  const server = createHostServer({ connection: parseConnection('postgresql://u@h/d', environment), environment });
  expect(await failureOf(makeWorkFolder(server))).toMatchObject({
    code: 'postgres-room',
    message: expect.stringContaining('/nowhere') as string,
  });
});
