/**
 * A real Docker engine for tests, and an image to make containers of. One engine serves all test processes that run at the same time: the
 * first starts it, and it ends by itself when none is left, however they ended. It has no default network: use `network_mode: host` or `none`, or networks of
 * a Compose file, whose services find each other by name and publish ports. From there nothing outside of this machine is reached.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { baseImageFile, makeBaseImage } from './base-image.ts';
import { startEngine } from './shared-engine.ts';

/** Debian with PostgreSQL 15, Redis, and Python with psycopg2. */
export const baseImage = 'holdfast-test/base:1';

export interface TestContainer {
  /** Must be unlike that of every other test. */
  readonly name?: string;
  /** The base image where absent. */
  readonly image?: string;
  /** `sleep infinity` where absent. */
  readonly command?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** `VOLUME:/path` or `/folder:/path`. */
  readonly volumes?: readonly string[];
  readonly network?: 'host' | 'none';
  /** More options of `docker run`. */
  readonly options?: readonly string[];
}

export interface TestDocker {
  /** Path of the engine's socket. */
  readonly socket: string;
  /** `DOCKER_HOST` and `PATH`: what a program needs to talk to this engine. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the `docker` program. What it printed; throws with its complaint. */
  docker(words: readonly string[]): Promise<string>;
  /** Runs Compose in a folder that holds a compose file: `compose(folder, ['up', '-d'])`. The folder's name becomes the project's. */
  compose(folder: string, words: readonly string[]): Promise<string>;
  /** Starts a container. Its id. */
  run(container?: TestContainer): Promise<string>;
  /** Creates a volume, which goes away with the rest. Its mountpoint. */
  volume(name: string, labels?: Readonly<Record<string, string>>): Promise<string>;
  /** Removes all containers, volumes and networks made through this object, and lets the engine go. May be called twice. */
  stop(): Promise<void>;
}

/** Needs root, and the packages of `scripts/prepare-system.ts`. Takes a few seconds; a minute where the image is not made yet. */
export async function startDocker(): Promise<TestDocker> {
  await makeBaseImage();
  const engine = await startEngine(join(tmpdir(), `holdfast-docker-${process.getuid?.() ?? 0}`), {
    file: baseImageFile(),
    name: baseImage,
  });
  const environment = { DOCKER_HOST: `unix://${engine.socket}`, PATH: process.env['PATH'] ?? '' };
  const owner = `holdfast.test=${randomUUID()}`;
  const projects = new Set<string>();
  const docker = (words: readonly string[]): Promise<string> => run('docker', words, environment);
  const remove = async (filter: string): Promise<void> => {
    for (const [list, away] of [
      [
        ['ps', '-aq', '--filter', filter],
        ['rm', '-f', '-v'],
      ],
      [
        ['volume', 'ls', '-q', '--filter', filter],
        ['volume', 'rm', '-f'],
      ],
      [
        ['network', 'ls', '-q', '--filter', filter],
        ['network', 'rm'],
      ],
    ] as const) {
      const found = (await docker(list)).split('\n').filter((line) => line !== '');
      if (found.length > 0) await docker([...away, ...found]);
    }
  };
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    try {
      for (const filter of [owner, ...[...projects].map((project) => `com.docker.compose.project=${project}`)])
        await remove(`label=${filter}`);
    } finally {
      await rm(engine.lease, { force: true });
    }
  };
  return {
    socket: engine.socket,
    environment,
    docker,
    compose: (folder, words) => {
      projects.add(composeProject(folder));
      return run('docker-compose', words, { ...environment, HOME: folder }, folder);
    },
    run: async (container = {}) => (await docker(['run', '-d', '--label', owner, ...runOptions(container)])).trim(),
    volume: async (name, labels = {}) => {
      await docker(['volume', 'create', '--label', owner, ...flags('--label', labels), name]);
      return (await docker(['volume', 'inspect', '-f', '{{.Mountpoint}}', name])).trim();
    },
    stop: () => (stopping ??= stop()),
  };
}

function runOptions({
  name,
  image = baseImage,
  command = ['sleep', 'infinity'],
  labels = {},
  environment = {},
  volumes = [],
  network = 'none',
  options = [],
}: TestContainer): string[] {
  const named = name === undefined ? [] : ['--name', name];
  const mounts = volumes.flatMap((volume) => ['-v', volume]);
  /* An init process, so that `sleep` ends when it is told to. */
  return [
    '--init',
    '--network',
    network,
    ...named,
    ...mounts,
    ...flags('--label', labels),
    ...flags('-e', environment),
    ...options,
    image,
    ...command,
  ];
}

function flags(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}

/** As Compose makes it. */
function composeProject(folder: string): string {
  return basename(folder)
    .toLowerCase()
    .replaceAll(/[^-_a-z0-9]/g, '');
}

async function run(file: string, words: readonly string[], env: Readonly<Record<string, string>>, cwd = '/'): Promise<string> {
  const child = spawn(file, [...words], { env: { ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`${file} ${words.join(' ')} failed: ${Buffer.concat(complaints).toString('utf8').trim()}`);
  return Buffer.concat(printed).toString('utf8');
}
