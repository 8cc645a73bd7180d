/** One of the example systems on a real Docker engine: brought up, filled, looked at, destroyed, and looked at again. */
import { freePort } from '../../harness/programs/free-port.ts';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parseEnv } from 'node:util';
import pg from 'pg';
import { z } from 'zod';
import { startDocker, type TestDocker } from '../../harness/docker/docker.ts';
import { watchArguments } from '../../harness/programs/watch-arguments.ts';
import { runProgram, type ProgramResult } from './run-program.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface SystemDescription {
  /** Its folder in examples/. */
  readonly name: string;
  /** The Compose service of the application itself, and of its database. */
  readonly application: string;
  readonly database: string;
  /** The superuser, and the database that holds the rows. */
  readonly user: string;
  readonly rows: string;
  /** The path of the page that says whether all is well. */
  readonly health: string;
  /** Done in the installed folder before anything is started. */
  readonly prepare?: (folder: string, remote: string) => Promise<void>;
}

export interface System {
  /** Where it is installed. Its name is that of the Compose project. */
  readonly folder: string;
  readonly project: string;
  /** Where backups lie. It outlives the application, as another machine would. */
  readonly repository: string;
  /** A folder of the test's own, gone with the rest. */
  readonly scratch: string;
  readonly docker: TestDocker;
  /** What holdfast is run with. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly description: SystemDescription;
  compose(...words: string[]): Promise<string>;
  /** Runs `./holdfast` in the application's folder. Its secrets may stand in nothing that it prints. */
  holdfast(...words: string[]): Promise<ProgramResult>;
  /** The same, and it must succeed. What it printed. */
  succeed(...words: string[]): Promise<string>;
  /** The same in another folder. */
  succeedIn(folder: string, ...words: string[]): Promise<string>;
  /** `holdfast restore … --yes`, which must succeed. */
  restore(...words: string[]): Promise<string>;
  /** Ids of the points, oldest first, without those that a restore took of what it overwrote. */
  points(): Promise<string[]>;
  /** On the empty machine, from the repository's URL and password alone. It must succeed. What it printed. */
  recover(...words: string[]): Promise<string>;
  /** The same, whatever comes of it. */
  tryToRecover(...words: string[]): Promise<ProgramResult>;
  /** Rows of one statement, as the superuser. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
  /** When the container of a service was started. */
  startedAt(service: string): Promise<string>;
  /** The folder on this machine that a volume of the project is. */
  mountpoint(volume: string): string;
  /** Containers, volumes, the folder, and what holdfast knows on this host: an empty machine with Docker. */
  destroy(): Promise<void>;
  remove(): Promise<void>;
}

const password = 'test-only-repository-password';

/** Installs an example in a folder of its own with ports of its own, starts it, makes its schema and fills it. */
export async function bringUp(description: SystemDescription): Promise<System> {
  const docker = await startDocker();
  const place = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-system-')));
  const folder = join(place, 'srv', `${description.name}-${randomBytes(4).toString('hex')}`);
  const system = await install(description, docker, place, folder);
  try {
    await system.compose('up', '-d');
    await system.compose('exec', '-T', description.application, 'python3', 'app.py', 'migrate');
    await system.compose('exec', '-T', description.application, 'python3', 'seed.py');
    expect(await system.get(description.health)).toMatchObject({ status: 200 });
    return system;
  } catch (error) {
    await system.remove();
    throw error;
  }
}

async function install(description: SystemDescription, docker: TestDocker, place: string, folder: string): Promise<System> {
  const [scratch, remote] = [join(place, 'scratch'), join(place, 'remote.git')];
  await mkdir(scratch);
  const isPartOfIt = (path: string): boolean => basename(path) !== 'README.md';
  await cp(join(root, 'examples', description.name), folder, { recursive: true, filter: isPartOfIt });
  await adaptFiles(folder, place);
  /* Modes that git does not keep. */
  await chmod(join(folder, '.env'), 0o600);
  await description.prepare?.(folder, remote);
  const settings = parseEnv(await readFile(join(folder, '.env'), 'utf8'));
  const project = basename(folder);
  const environment = {
    ...docker.environment,
    HOME: place,
    TZ: 'UTC',
    HOLDFAST_PASSWORD: password,
    HOLDFAST_STATE: join(place, 'state'),
  };
  const secrets = [
    password,
    ...Object.entries(settings).flatMap(([name, value]) => (/PASSWORD|SECRET|KEY/.test(name) ? [value ?? ''] : [])),
  ];
  const repository = join(place, 'backups', description.name);
  const run = async (cwd: string, words: readonly string[]): Promise<ProgramResult> => {
    const watch = watchArguments(secrets);
    const result = await runProgram(join(root, 'holdfast'), words, { cwd, env: environment });
    expect(await watch.stop()).toEqual([]);
    for (const secret of secrets) expect(`${result.stdout}\n${result.stderr}`).not.toContain(secret);
    return result;
  };
  const succeed = async (cwd: string, words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(cwd, words);
    expect(status, `holdfast ${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };
  const destroy = async (): Promise<void> => {
    await removeProject(docker, project);
    await rm(folder, { recursive: true, force: true });
    await rm(join(place, 'state'), { recursive: true, force: true });
  };
  return {
    folder,
    project,
    repository,
    scratch,
    docker,
    environment,
    settings,
    description,
    holdfast: (...words) => run(folder, words),
    succeed: (...words) => succeed(folder, words),
    succeedIn: (cwd, ...words) => succeed(cwd, words),
    restore: (...words) => succeed(folder, ['restore', ...words, '--yes']),
    points: async () => readPoints(await succeed(folder, ['list', '--json'])),
    tryToRecover: (...words) => run(scratch, ['recover', '-r', repository, '--yes', ...words]),
    recover: (...words) => succeed(scratch, ['recover', '-r', repository, '--yes', ...words]),
    compose: (...words) => docker.compose(folder, words),
    query: (sql, database = description.rows) => query(settings, description, sql, database),
    get: (path) => waitForAnswer(`http://127.0.0.1:${settings['WEB_PORT'] ?? ''}${path}`),
    startedAt: async (service) => {
      const id = (await docker.compose(folder, ['ps', '-q', service])).trim();
      return (await docker.docker(['inspect', '-f', '{{.State.StartedAt}}', id])).trim();
    },
    mountpoint: (volume) => join(docker.socket, '../data/volumes', `${project}_${volume}`, '_data'),
    destroy,
    remove: async () => {
      await destroy().catch(() => {});
      await docker.stop();
      await rm(place, { recursive: true, force: true });
    },
  };
}

const pointSchema = z.looseObject({ id: z.string(), tags: z.array(z.string()), components: z.array(z.unknown()) });

function readPoints(printed: string): string[] {
  const lines = printed.split('\n').filter((line) => line.includes('"components"'));
  return lines.map((line) => pointSchema.parse(JSON.parse(line))).flatMap(({ id, tags }) => (tags.includes('safety') ? [] : [id]));
}

/** Ports that are free, and repositories inside the test's place, in every file of the example that names them. */
async function adaptFiles(folder: string, place: string): Promise<void> {
  const settings = parseEnv(await readFile(join(folder, '.env'), 'utf8'));
  const ports = new Map<string, string>();
  for (const [name, value] of Object.entries(settings))
    if (name.endsWith('_PORT') && value !== undefined) ports.set(value, String(await freePort()));
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    let text = await readFile(file, 'utf8');
    for (const [from, to] of ports) text = text.replaceAll(from, to);
    await writeFile(file, text.replaceAll('/var/backups', join(place, 'backups')).replaceAll('/mnt/offsite', join(place, 'offsite')));
  }
}

async function removeProject({ docker }: TestDocker, project: string): Promise<void> {
  const label = `label=com.docker.compose.project=${project}`;
  for (const [list, remove] of [
    [
      ['ps', '-aq', '--filter', label],
      ['rm', '-f', '-v'],
    ],
    [
      ['volume', 'ls', '-q', '--filter', label],
      ['volume', 'rm', '-f'],
    ],
    /* Volumes that somebody made without Compose. */
    [
      ['volume', 'ls', '-q', '--filter', `name=${project}_`],
      ['volume', 'rm', '-f'],
    ],
  ] as const) {
    const found = (await docker(list)).split('\n').filter((line) => line !== '');
    if (found.length > 0) await docker([...remove, ...found]);
  }
}

async function query(
  settings: System['settings'],
  { user }: SystemDescription,
  sql: string,
  database: string,
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: Number(settings['DB_PORT']),
    user,
    database,
    password: settings['POSTGRES_PASSWORD'] ?? '',
  });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A service that was just started may refuse for a moment, or say that it is not well yet. */
async function waitForAnswer(url: string, tries = 100): Promise<{ status: number; body: string }> {
  for (let tried = 1; ; tried++) {
    try {
      const answer = await fetch(url);
      if (answer.status !== 503 || tried >= tries) return { status: answer.status, body: await answer.text() };
    } catch (error) {
      if (tried >= tries) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
