/** Replication out of containers of a real Docker engine: with no network at all. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { containing } from '../../../../test/harness/programs/expected-text.ts';
import { type TestDocker, startDocker } from '../../../../test/harness/docker/docker.ts';
import { type PostgresContainer, startPostgres } from '../../../../test/harness/docker/postgres-container.ts';
import { connectDocker } from '../../docker/connect-docker.ts';
import type { DockerEngine } from '../../docker/docker-engine.ts';
import { type ContainerServerOptions, createContainerServer } from '../container-server.ts';
import { baseBackup } from './base-backup.ts';
import { readClusterFacts } from './cluster-facts.ts';
import { connectContainerReplication, readContainerFile } from './reach-container.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const name = `replicated-${process.pid}`;
let docker: TestDocker;
let server: PostgresContainer;
let engine: DockerEngine;

beforeAll(async () => {
  docker = await startDocker();
  server = await startPostgres(docker, name);
  engine = await connectDocker({ environment: docker.environment });
  await server.psql('CREATE TABLE things AS SELECT n FROM generate_series(1, 1000) n');
});

afterAll(() => docker?.stop());

function options(changes: Partial<DockerEngine> = {}): ContainerServerOptions {
  return {
    docker: { ...engine, ...changes },
    address: { container: name },
    database: 'postgres',
    user: server.user,
    password: server.password,
  };
}

test('a base backup comes through the socket of a container without a network, and files from inside', async () => {
  const connection = await connectContainerReplication(options());
  const backup = await baseBackup(connection, { checkpoint: 'fast', label: 'container', signal: new AbortController().signal });
  const paths: string[] = [];
  for await (const entry of backup.entries) paths.push(entry.path);
  expect(paths).toEqual(expect.arrayContaining(['backup_label', 'global/pg_control', 'base/1/1259', 'backup_manifest']));
  await connection.close();
  const facts = await readClusterFacts(createContainerServer(options()), { readFile: (path) => readContainerFile(options(), path) });
  expect(facts).toMatchObject({ major: 15, dataDirectory: '/srv/data', notices: [], configuration: [], mayReplicate: true });
  expect(Buffer.from(await readContainerFile(options(), '/srv/data/PG_VERSION')).toString()).toBe('15\n');
  await expect(readContainerFile(options(), '/srv/none')).rejects.toMatchObject({ code: 'docker-failed' });
});

test('what is wrong inside is said as such, and a server that cannot be reached at all is refused', async () => {
  await expect(connectContainerReplication({ ...options(), password: 'wrong' })).rejects.toMatchObject({ code: 'postgres-login' });
  await server.psql("CREATE ROLE plain LOGIN PASSWORD 'secret-word'");
  await expect(connectContainerReplication({ ...options(), user: 'plain', password: 'secret-word' })).rejects.toMatchObject({
    code: 'replication-role',
    message: containing(`in container ${name}`),
  });
  await expect(connectContainerReplication(options({ isLocal: false }))).rejects.toMatchObject({ code: 'replication-container' });
});
