/**
 * The whole way with a server in a container that has no network, for each version: load, a base backup under load, more load, a table dropped, and back to the
 * moment before. The oldest and the newest version; all of them with HOLDFAST_VERSIONS=all.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadConfiguration } from '../../src/config/load-configuration.ts';
import type { Repository } from '../../src/engine/repository.ts';
import { ignoreEvents } from '../../src/events.ts';
import { createTools } from '../../src/operations/application/application-tools.ts';
import { backUp } from '../../src/operations/back-up.ts';
import { createSession } from '../../src/operations/open-session.ts';
import { createBaseComponent } from '../../src/operations/physical/base-component.ts';
import { openReplicatedServer } from '../../src/operations/physical/replicated-server.ts';
import { restoreMoment } from '../../src/operations/point-in-time/restore-moment.ts';
import type { MomentContext } from '../../src/operations/point-in-time/run-plan.ts';
import { streamWal } from '../../src/operations/wal/stream-wal.ts';
import { systemClock } from '../../src/util/clock.ts';
import { startDocker, type TestDocker } from '../harness/docker/docker.ts';
import { type PostgresContainer, startPostgres } from '../harness/docker/postgres-container.ts';
import { makeServerImage } from '../harness/docker/server-image.ts';
import { serverVersions } from '../harness/postgres/server-versions.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const [oldest = 0, newest = 0] = [serverVersions[0], serverVersions.at(-1)];
const versions = process.env['HOLDFAST_VERSIONS'] === 'all' ? serverVersions : [oldest, newest];

let docker: TestDocker;
let room: string;
let repository: Repository;
beforeAll(async () => {
  docker = await startDocker();
  room = await mkdtemp(join(tmpdir(), 'holdfast-containers-'));
  await chmod(room, 0o755);
});
afterAll(async () => {
  await docker?.stop();
  await rm(room, { recursive: true, force: true });
});

const sums = `SELECT (SELECT count(*) || ' ' || sum(delta) FROM pgbench_history) || ' ' || (SELECT sum(abalance) FROM pgbench_accounts) || ' ' ||
  (SELECT sum(tbalance) FROM pgbench_tellers) || ' ' || (SELECT sum(bbalance) FROM pgbench_branches)`;

function pgbench(server: PostgresContainer, ...words: readonly string[]): Promise<string> {
  return server.run(['/usr/lib/postgresql/15/bin/pgbench', '-n', ...words, 'postgres']);
}

test.each(versions)('PostgreSQL %i in a container: back to the moment before a table was dropped', async (version) => {
  const name = `version-${version}-${process.pid}`;
  const folder = join(room, String(version));
  await docker.volume(`${name}-data`);
  const of = { version, image: await makeServerImage(docker, version) };
  const server = await startPostgres(docker, name, ['-v', `${name}-data:/srv/data`], of);
  repository = await createSession({ url: join(folder, 'repository'), password: () => Promise.resolve('secret') });
  try {
    const context: MomentContext = {
      events: ignoreEvents,
      signal: new AbortController().signal,
      clock: systemClock,
      environment: { ...docker.environment, HOME: folder, HOLDFAST_SCRATCH: join(folder, 'scratch') },
      stateFolder: join(folder, 'state'),
    };
    const file = join(folder, 'holdfast.yaml');
    const login = `container: ${name}, user: postgres, password: { value: ${server.password} }`;
    await writeFile(
      file,
      `application: shop\nrepositories: { local: ./repository }\ncomponents:\n  database: { postgres: { ${login}, mode: physical } }\n`,
    );
    const configuration = loadConfiguration({ file, environment: context.environment });
    const source = configuration.components[0]?.source;
    if (source?.kind !== 'postgres-base') throw new Error('the component is of another kind');
    const replicated = await openReplicatedServer(createTools(configuration, context), source.at);
    const stream = () =>
      streamWal(
        repository,
        { server: replicated, slot: 'test', flushMs: 200, synchronous: false, until: 'caught-up', clock: systemClock },
        context,
      ).done;
    await pgbench(server, '-i', '-s', '2', '-q');
    await stream();
    const load = pgbench(server, '-c', '2', '-T', '4');
    const base = await createBaseComponent({
      component: 'database',
      ...replicated,
      connect: (capture) => replicated.connect(capture),
      checkpoint: 'fast',
      policy: { fullEveryMs: 86_400_000, increments: 5 },
      clock: systemClock,
    });
    await backUp(repository, { components: [{ source: base }] }, context);
    await load;
    const before = (await server.psql(sums)).trim();
    const [count = 0, ...each] = before.split(' ').map(Number);
    expect(count).toBeGreaterThan(10);
    expect(new Set(each).size).toBe(1);
    const moment = new Date(
      (await server.psql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MSZ')")).trim(),
    );
    await server.psql('SELECT pg_sleep(0.05)');
    await pgbench(server, '-c', '2', '-T', '1');
    await server.psql('DROP TABLE pgbench_history');
    await stream();
    const result = await restoreMoment(
      repository,
      {
        target: { kind: 'time', time: moment },
        point: { name: 'latest', component: 'database' },
        destination: { kind: 'in place', amcheck: false, tablespaces: new Map() },
        configuration,
        lock: {},
        dryRun: false,
        confirm: () => Promise.resolve(true),
      },
      context,
    );
    expect(result).toMatchObject({ kind: 'in place', report: { running: true, outcome: { state: 'promoted', timeline: 2 } } });
    expect((await server.psql(sums)).trim()).toBe(before);
    expect((await server.psql('SHOW server_version')).trim()).toMatch(new RegExp(`^${version}\\.`));
  } finally {
    await repository.close();
    const kept = await docker.docker(['volume', 'ls', '-q', '--filter', `name=${name}-data-before-`]);
    await docker.docker(['rm', '-f', name]);
    for (const volume of kept.split('\n').filter((line) => line !== '')) await docker.docker(['volume', 'rm', volume]);
  }
});
