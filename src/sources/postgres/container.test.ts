/** Servers in containers of a real Docker engine, with no network at all. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startBreakingProxy } from '../../../test/harness/docker/breaking-proxy.ts';
import { type TestDocker, startDocker } from '../../../test/harness/docker/docker.ts';
import { type PostgresContainer, startPostgres, waitUntilUp } from '../../../test/harness/docker/postgres-container.ts';
import { watchArguments } from '../../../test/harness/programs/watch-arguments.ts';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { everyObject } from '../../../test/harness/postgres/every-object.ts';
import { richDatabase, richRoles } from '../../../test/harness/postgres/rich-database.ts';
import type { HoldfastError } from '../../errors.ts';
import { connectDocker } from '../docker/connect-docker.ts';
import type { StreamEntry } from '../source.ts';
import { type PostgresSourceOptions, createPostgresSource } from './postgres-source.ts';

/* An engine and a server take as long as the machine takes. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const name = `postgres-${process.pid}`;
let docker: TestDocker;
let server: PostgresContainer;

beforeAll(async () => {
  docker = await startDocker();
  server = await startPostgres(docker, name, ['--tmpfs', '/small:size=1m,mode=1777']);
  await server.psql('CREATE DATABASE app');
  await server.psql('CREATE DATABASE big');
  for (const script of [richRoles, richDatabase, everyObject]) await runScript('app', script);
  await runScript('big', 'CREATE TABLE rows AS SELECT n AS id, repeat(md5(n::text), 40) AS filler FROM generate_series(1, 100000) n');
});

afterAll(() => docker?.stop());

/** Scripts with more than one statement and psql's own commands come on stdin. */
async function runScript(database: string, script: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const login = ['-e', 'PGUSER=postgres', '-e', `PGPASSWORD=${server.password}`];
  const child = spawn('docker', ['exec', '-i', ...login, name, 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'], {
    env: docker.environment,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(script);
  await once(child, 'close');
  expect(child.exitCode).toBe(0);
}

type Changes = Partial<Omit<PostgresSourceOptions, 'at'>> & {
  database?: string;
  password?: string;
  container?: string;
  environment?: Record<string, string>;
};

async function sourceOf({
  database = 'app',
  password = server.password,
  container = name,
  environment = docker.environment,
  ...options
}: Changes = {}) {
  const engine = await connectDocker({ environment });
  return createPostgresSource({
    component: 'database',
    at: { docker: engine, address: { container }, database, user: 'postgres', password },
    ...options,
  });
}

const dumpOf = async (database: string): Promise<string> =>
  (await server.run(['pg_dump', '-d', database])).replaceAll(/^\\(un)?restrict .*$/gm, '');

async function failureOf(work: Promise<unknown>): Promise<HoldfastError> {
  return work.then(
    () => expect.fail('it should have failed'),
    (error: HoldfastError) => error,
  );
}

describe.each([{ format: 'custom' }, { format: 'plain' }, { format: 'directory', jobs: 2 }] as const)('$format', (options) => {
  test('a database goes out of its container and back into it, and is the same', async () => {
    const watch = watchArguments([server.password]);
    const source = await sourceOf(options);
    const captured = await captureToFiles(source);
    const into = `copy_${options.format}`;
    const { facts } = await source.restore(captured, { into }, collectingContext());
    expect(facts).toMatchObject({ database: into, rows: 8219, mismatches: 0 });
    expect(await dumpOf(into)).toBe(await dumpOf('app'));
    if (options.format !== 'plain') {
      await server.psql('DROP TABLE tenants', into);
      expect((await source.restore(captured, { into, tables: ['tenants'] }, collectingContext())).facts).toMatchObject({
        tables: 1,
        rows: 2,
      });
      await source.restore(captured, { into, recreate: true, jobs: 2 }, collectingContext());
      expect(await dumpOf(into)).toBe(await dumpOf('app'));
    }
    /* The harness itself starts its container with the password. */
    expect((await watch.stop()).filter((line) => !line.startsWith('docker '))).toEqual([]);
    expect(await leftBehind()).toEqual([]);
    await captured.remove();
  });
});

/** Temporary folders that nobody removed. */
async function leftBehind(): Promise<string[]> {
  return (await server.run(['ls', '-A', '/tmp'])).split('\n').filter((found) => found.startsWith('holdfast'));
}

test('it is described by its container', async () => {
  const described = await (await sourceOf()).describe();
  expect(described).toMatchObject({
    title: `database app in container ${name}`,
    facts: { server: expect.stringMatching(/^15\./) as string },
  });
  expect(JSON.stringify(described)).not.toContain(server.password);
});

test('all databases, with the roles', async () => {
  const captured = await captureToFiles(await sourceOf({ databases: 'all', database: 'postgres', only: 'schema' }));
  const paths: string[] = [];
  for await (const { path } of captured.list('/postgres')) paths.push(path);
  expect(paths).toContain('/postgres/app/database.dump');
  expect(paths).toContain('/postgres/big/manifest.json');
  expect(paths).toContain('/postgres/postgres/roles.sql');
  await captured.remove();
});

describe('what is wrong is said as it is', () => {
  test.each([
    ['a wrong password', { password: 'not-the-password' }, 'postgres-login'],
    ['a database that is not there', { database: 'absent' }, 'postgres-database-missing'],
    ['a container that is not there', { container: 'no-such-container' }, 'docker-container-missing'],
  ])('%s', async (_, changes, code) => {
    const error = await failureOf(captureToFiles(await sourceOf(changes)));
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.hint}`).not.toContain('not-the-password');
    if (code === 'postgres-database-missing') expect(error.hint).toContain(`docker exec ${name} psql -U postgres -l`);
  });

  test('a container without PostgreSQL, and one whose server does not run', async () => {
    await docker.run({
      name: `${name}-bare`,
      network: 'none',
      command: ['sh', '-c', 'rm -rf /usr/lib/postgresql /usr/bin/psql /usr/bin/pg_*; echo ready >/gone; exec sleep infinity'],
    });
    while ((await docker.docker(['exec', `${name}-bare`, 'sh', '-c', 'cat /gone 2>/dev/null || true'])).trim() !== 'ready');
    expect(await failureOf(captureToFiles(await sourceOf({ container: `${name}-bare` })))).toMatchObject({
      code: 'postgres-tools-missing',
    });
    await docker.run({ name: `${name}-idle`, network: 'none' });
    const error = await failureOf(captureToFiles(await sourceOf({ container: `${name}-idle` })));
    expect(error).toMatchObject({
      code: 'postgres-unreachable',
      hint: expect.stringContaining(`docker exec ${name}-idle pg_isready`) as string,
    });
  });

  test('no room for a dump in directory format', async () => {
    const other = await startPostgres(docker, `${name}-small`, ['--tmpfs', '/tmp:size=1m,mode=1777']);
    await other.psql("CREATE TABLE rows AS SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) n");
    const source = await sourceOf({ container: other.name, password: other.password, database: 'postgres', format: 'directory' });
    expect(await failureOf(captureToFiles(source))).toMatchObject({
      code: 'postgres-room',
      message: expect.stringContaining('space') as string,
    });
    expect((await docker.docker(['exec', other.name, 'ls', '-A', '/tmp'])).trim()).toBe('');
  });
});

describe('in the middle of a dump', () => {
  /** Reads a capture and does something once the dump has begun to come. */
  async function interrupt(source: Awaited<ReturnType<typeof sourceOf>>, act: () => Promise<unknown> | void): Promise<HoldfastError> {
    /* Not waited for before the dump is read on: the engine tells no end of a command while another's output waits. */
    let acting: Promise<unknown> | undefined;
    const read = async (entry: StreamEntry): Promise<void> => {
      for await (const chunk of entry.open()) if (chunk.length > 0) acting ??= Promise.resolve(act());
    };
    const capture = await source.capture(collectingContext());
    if (capture.shape !== 'streams') throw new TypeError('streams');
    const { entries } = capture;
    const error = await failureOf(
      (async () => {
        for await (const entry of entries) await read(entry);
      })(),
    );
    await acting?.catch(() => {});
    return error;
  }

  test('the connection to the engine breaks', async () => {
    for (const how of ['closeStreams', 'breakAll'] as const) {
      const proxy = await startBreakingProxy(docker.socket);
      const source = await sourceOf({ database: 'big', environment: { ...proxy.environment } });
      expect(await interrupt(source, () => proxy[how]())).toMatchObject({
        code: expect.stringMatching(/^(docker-|postgres-dump-failed$)/) as string,
      });
      await proxy.stop();
    }
  });

  test('pg_dump is killed', async () => {
    const error = await interrupt(await sourceOf({ database: 'big' }), () => server.run(['sh', '-c', 'kill -9 $(pidof pg_dump)']));
    expect(error).toMatchObject({ code: 'postgres-dump-failed', message: expect.stringContaining('signal 9') as string });
  });

  test('the server is shut down', async () => {
    const error = await interrupt(await sourceOf({ database: 'big' }), () =>
      server.run(['sh', '-c', 'kill -INT $(head -n 1 /srv/data/postmaster.pid)']),
    );
    expect(error.code).toMatch(/^(postgres-dump-failed|docker-exec-failed)$/);
    await docker.docker(['wait', name]);
    await docker.docker(['start', name]);
    await waitUntilUp(server);
  });

  test('the container is stopped, and then refuses', async () => {
    const source = await sourceOf({ database: 'big' });
    const error = await interrupt(source, () => docker.docker(['kill', name]));
    expect(error).toMatchObject({ code: expect.stringMatching(/^docker-/) as string });
    expect(await failureOf(captureToFiles(source))).toMatchObject({ code: 'docker-container-stopped' });
    await docker.docker(['start', name]);
    await waitUntilUp(server);
    const captured = await captureToFiles(source);
    await captured.remove();
  });
});
