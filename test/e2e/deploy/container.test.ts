/** The image is built as its description says and run as the pages say: as nobody, on a root that cannot be written, beside a real database. */
import { randomBytes } from 'node:crypto';
import { chown, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { projectRoot, runProgram } from '../../../scripts/run-program.ts';
import { baseImage, startDocker, type TestDocker } from '../../harness/docker/docker.ts';
import { startPostgres, type PostgresContainer } from '../../harness/docker/postgres-container.ts';
import { buildImage } from './build-image.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 1_800_000 });

const mark = randomBytes(4).toString('hex');
const user = 10_001;
const token = randomBytes(16).toString('hex');
const job = 'backup:0_0_1_1_*';

const configuration = `application: shop
repositories: { local: /backups/shop }
components:
  database: { postgres: { url: { file: /etc/holdfast/database-url } }, schedule: 0 0 1 1 * }
  uploads: { files: /data/uploads, schedule: 0 0 1 1 * }
maintenance: { prune: never, check: never }
serve: { tokens: { name: ops, role: admin, token: ${token} } }
`;

let docker: TestDocker;
let image: string;
let work: string;
let database: PostgresContainer;
let uploads: string;

beforeAll(async () => {
  docker = await startDocker();
  image = await buildImage(docker);
  work = await mkdtemp(join(tmpdir(), 'holdfast-deploy-'));
  await docker.volume(`sockets-${mark}`);
  database = await startPostgres(docker, `database-${mark}`, ['-v', `sockets-${mark}:/var/run/postgresql`]);
  await database.psql('CREATE DATABASE shop');
  await database.psql('CREATE TABLE orders AS SELECT n FROM generate_series(1, 1000) n', 'shop');
  uploads = await docker.volume(`uploads-${mark}`);
  await mkdir(join(uploads, '2026'));
  await writeFile(join(uploads, '2026/invoice.pdf'), 'an invoice');
  for (const path of ['.', '2026', '2026/invoice.pdf']) await chown(join(uploads, path), user, user);
});

afterAll(async () => {
  await docker.stop();
  await rm(work, { recursive: true, force: true });
});

/** A folder as an administrator makes it: what is in it is for the user of the image alone. */
async function writeFor(owner: number, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(work, 'config-'));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text, { mode: 0o400 });
    await chown(join(folder, name), owner, owner);
  }
  await chown(folder, owner, owner);
  return folder;
}

function databaseUrl(): string {
  return `postgresql://postgres:${database.password}@%2Fvar%2Frun%2Fpostgresql/shop`;
}

async function inspect<Shape extends z.ZodType>(name: string, shape: Shape): Promise<z.infer<Shape>> {
  const [first] = z.array(z.unknown()).parse(JSON.parse(await docker.docker(['inspect', name])));
  return shape.parse(first);
}

async function untilHealthy(name: string): Promise<void> {
  const shape = z.object({ State: z.object({ Status: z.string(), Health: z.object({ Status: z.string() }) }) });
  for (let turn = 0; turn < 600; turn++) {
    const { State } = await inspect(name, shape);
    if (State.Health.Status === 'healthy') return;
    if (State.Status !== 'running') break;
    await wait(500);
  }
  throw new Error(`${name} does not become healthy:\n${(await runProgram('docker', ['logs', name], { env: docker.environment })).output}`);
}

/** Asks the daemon from inside its container, which has no network. What it answered. */
async function ask(name: string, path: string, method = 'GET'): Promise<unknown> {
  const script = `
    const headers = { Authorization: 'Bearer ${token}' };
    const answer = await fetch('http://127.0.0.1:7930/api/v1/${path}', { method: '${method}', headers });
    if (!answer.ok) throw new Error(await answer.text());
    console.log(await answer.text());`;
  const answer: unknown = JSON.parse(await docker.docker(['exec', name, 'node', '--input-type=module', '-e', script]));
  return answer;
}

async function untilRun(name: string): Promise<void> {
  const shape = z.object({ runs: z.array(z.looseObject({ status: z.string() })) });
  for (let turn = 0; turn < 600; turn++) {
    const [newest] = shape.parse(await ask(name, 'runs?limit=1')).runs;
    if (newest?.status === 'done') return;
    if (newest !== undefined && newest.status !== 'running') throw new Error(JSON.stringify(newest));
    await wait(500);
  }
  throw new Error('The run does not end.');
}

/** The words behind `docker run`: without a way to write anywhere but where it is said. */
function closed(volumes: readonly string[]): string[] {
  const rights = ['--read-only', '--tmpfs=/tmp', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--network=none'];
  return [...rights, ...volumes.flatMap((volume) => ['-v', volume])];
}

describe('the image', () => {
  test('is holdfast and what it needs at run time, and no more', async () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')));
    expect(await docker.docker(['run', '--rm', ...closed([]), image, '--version'])).toBe(`${version}\n`);
    const look =
      'id -u; ls /opt/holdfast /opt/holdfast/node_modules; for name in git gpg ssh redis-cli psql tini; do command -v $name; done';
    const seen = (await docker.docker(['run', '--rm', ...closed([]), '--entrypoint', 'sh', image, '-c', look])).split('\n');
    expect(seen).toEqual(expect.arrayContaining([String(user), 'dist', 'zod', 'koffi', '@aws-sdk']));
    expect(seen.filter((name) => name.startsWith('/usr/bin/'))).toHaveLength(6);
    expect(seen.filter((name) => ['typescript', 'vitest', 'oxlint', 'src', 'test', '.env'].includes(name))).toEqual([]);
  });

  test('the daemon is healthy, saves a volume and a database, gives them back, and ends in good order', async () => {
    const config = await writeFor(user, {
      'holdfast.yaml': configuration,
      'password': 'correct horse battery staple',
      'database-url': databaseUrl(),
    });
    const settings = ['-e', 'HOLDFAST_PASSWORD_FILE=/etc/holdfast/password', '-e', 'HOLDFAST_CONFIG=/etc/holdfast/holdfast.yaml'];
    for (const name of ['backups', 'state']) await docker.volume(`${name}-${mark}`);
    const volumes = [`${config}:/etc/holdfast:ro`, `backups-${mark}:/backups`, `sockets-${mark}:/var/run/postgresql`];
    const name = `holdfast-${mark}`;
    const options = ['--name', name, '--health-interval=1s', ...settings];
    await docker.docker([
      'run',
      '-d',
      ...options,
      ...closed([...volumes, `state-${mark}:/var/lib/holdfast`, `uploads-${mark}:/data/uploads:ro`]),
      image,
    ]);
    try {
      await untilHealthy(name);
      const health = ['sh', '/opt/holdfast/health.sh'];
      await expect(docker.docker(['exec', '-e', 'HOLDFAST_HEALTH_URL=http://127.0.0.1:1/', name, ...health])).rejects.toThrow(/failed/);
      await ask(name, `jobs/${encodeURIComponent(job)}/run`, 'POST');
      await untilRun(name);
      await rm(join(uploads, '2026'), { recursive: true });
      await database.psql('DROP TABLE orders', 'shop');
      await docker.docker(['exec', name, 'holdfast', 'restore', '--component', 'database', '--recreate', '--yes']);
      const restore = ['restore', '--component', 'uploads', '--yes'];
      await docker.docker(['run', '--rm', ...settings, ...closed([...volumes, `uploads-${mark}:/data/uploads`]), image, ...restore]);
      expect(await database.psql('SELECT count(*) FROM orders', 'shop')).toBe('1000\n');
      expect(await readFile(join(uploads, '2026/invoice.pdf'), 'utf8')).toBe('an invoice');
      await docker.docker(['stop', '-t', '120', name]);
      const { State } = await inspect(name, z.object({ State: z.object({ ExitCode: z.number(), OOMKilled: z.boolean() }) }));
      expect(State).toEqual({ ExitCode: 0, OOMKilled: false });
    } finally {
      await docker.docker(['rm', '-f', '-v', name]);
    }
  });

  test('with the socket of the engine it saves what is in containers, and volumes by name', async () => {
    const components = [
      `database: { postgres: { container: ${database.name}, database: shop, password: ${database.password} } }`,
      `uploads: { volumes: uploads-${mark} }`,
    ];
    const text = `application: shop\nrepositories: { local: /tmp/repository }\ncomponents:\n  ${components.join('\n  ')}\n`;
    const config = await writeFor(user, { 'holdfast.yaml': text });
    const folder = dirname(dirname(uploads));
    const mounts = closed([`${docker.socket}:/var/run/docker.sock`, `${folder}:${folder}:ro`, `${config}:/etc/holdfast:ro`]);
    const save = (rights: readonly string[], which: readonly string[] = []): Promise<string> => {
      const words = ['backup', '--config', '/etc/holdfast/holdfast.yaml', ...which];
      return docker.docker(['run', '--rm', ...mounts, '-e', 'HOLDFAST_PASSWORD=secret', ...rights, image, ...words]);
    };
    expect(await save(['--user=0:0', '--cap-add=DAC_READ_SEARCH'])).toMatch(/point \w+ saved \(database, uploads\)/);
    await expect(save([], ['database'])).rejects.toThrow(/permission is denied/);
    expect(await save([`--group-add=${(await stat(docker.socket)).gid}`], ['database'])).toMatch(/point \w+ saved \(database\)/);
  });

  test('runs as whatever number it is told', async () => {
    const script =
      'holdfast init -r /var/lib/holdfast/r && holdfast backup -r /var/lib/holdfast/r --files /opt/holdfast/dist && stat -c %u:%g /var/lib/holdfast/r';
    const said = await docker.docker([
      'run',
      '--rm',
      '--user=54321',
      ...closed([]),
      '-e',
      'HOLDFAST_PASSWORD=secret',
      '--entrypoint',
      'sh',
      image,
      '-c',
      script,
    ]);
    expect(said).toMatch(/point \w+ saved/);
    expect(said).toContain('54321:0');
  });
});

test('the side-car saves what belongs to anybody, can change none of it, and a service of its own puts it back', async () => {
  const folder = await mkdtemp(join(work, 'application-'));
  await cp(join(projectRoot, 'deploy/compose'), folder, { recursive: true });
  await mkdir(join(folder, 'secrets'));
  await writeFile(join(folder, 'secrets/holdfast_password'), 'correct horse battery staple', { mode: 0o600 });
  await writeFile(join(folder, 'secrets/database_url'), databaseUrl(), { mode: 0o600 });
  await writeFile(join(folder, '.env'), `HOLDFAST_IMAGE=${image}\n`);
  const files = { 'compose.yml': application, 'engine.yml': withoutNetwork };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(content));
  const compose = (...words: readonly string[]): Promise<string> =>
    docker.compose(folder, [...['compose.yml', 'compose.holdfast.yml', 'engine.yml'].flatMap((name) => ['-f', name]), ...words]);
  try {
    await compose('up', '-d');
    const daemon = (await compose('ps', '-q', 'holdfast')).trim();
    await untilHealthy(daemon);
    const make =
      'mkdir /srv/uploads/2026 && echo scan >/srv/uploads/2026/a && chown -R 33:33 /srv/uploads/2026 && chmod 2700 /srv/uploads/2026';
    await compose('exec', '-T', 'web', 'sh', '-c', make);
    expect(await compose('exec', '-T', 'holdfast', 'holdfast', 'backup')).toMatch(/point \w+ saved/);
    // It ends with 0 only when all came back as it was, owners and modes too.
    await compose('exec', '-T', 'holdfast', 'holdfast', 'drill', 'monthly');
    await expect(compose('exec', '-T', 'holdfast', 'rm', '-r', '/data/uploads/2026')).rejects.toThrow(/Read-only/);
    await compose('exec', '-T', 'web', 'rm', '-r', '/srv/uploads/2026');
    await compose('run', '--rm', '-T', 'holdfast-restore', 'restore', '--component', 'uploads', '--yes');
    expect(await compose('exec', '-T', 'web', 'stat', '-c', '%U %a', '/srv/uploads/2026', '/srv/uploads/2026/a')).toBe(
      'www-data 2700\nwww-data 644\n',
    );
    await compose('stop');
    const { State } = await inspect(daemon, z.object({ State: z.object({ ExitCode: z.number() }) }));
    expect(State).toEqual({ ExitCode: 0 });
  } finally {
    await compose('down', '-v', '-t', '1');
  }
});

const application = {
  version: '3.7',
  services: {
    web: { image: baseImage, init: true, command: ['sleep', 'infinity'], network_mode: 'none', volumes: ['uploads:/srv/uploads'] },
  },
  volumes: { uploads: {} },
};

/* The tests' engine has no networks: the database is reached by its socket. */
const reach = { network_mode: 'none', volumes: [`sockets-${mark}:/var/run/postgresql`] };
const withoutNetwork = {
  version: '3.7',
  services: { 'holdfast': { ...reach, healthcheck: { interval: '1s' } }, 'holdfast-restore': reach },
  volumes: { [`sockets-${mark}`]: { external: true } },
};
