/** The image that the tests' containers are made of: Debian with PostgreSQL, Redis and Python, made once a machine and kept in a cache folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const packages = ['postgresql-15', 'redis-server', 'python3-minimal', 'python3-psycopg2'];

/* Documentation, package lists, the package's own cluster, and PostgreSQL's compiler of queries, which it does without: more than half of the size. */
const leftOut = [
  './usr/share/doc',
  './usr/share/man',
  './usr/share/locale',
  './usr/share/i18n',
  './var/cache/apt',
  './var/lib/apt/lists',
  './var/lib/postgresql/15',
  './usr/lib/*/libLLVM*',
  './usr/lib/*/libz3*',
  './usr/lib/postgresql/*/lib/bitcode',
  './usr/lib/postgresql/*/lib/llvmjit*.so',
];

/** Changes when the recipe does, so that a cached image is never an old one. */
const recipe = 1;

/** Where the image lies as a tar. */
export function baseImageFile(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'holdfast-test', `base-image-${recipe}.tar`);
}

export function isImageMade(): boolean {
  return existsSync(baseImageFile());
}

/** Makes the image where it is not there yet (a minute; needs root and Debian's mirror). */
export function makeBaseImage(): Promise<string> {
  return makeRootFile({ file: baseImageFile(), packages, leftOut });
}

export interface RootFile {
  /** The tar that is made. Its name should change when the rest does, so that a cached one is never an old one. */
  readonly file: string;
  /** Of Debian, beside the least. */
  readonly packages: readonly string[];
  /** Patterns of paths, beginning with `./`. */
  readonly leftOut: readonly string[];
  /** Commands of the shell that put more into the folder `$root`. */
  readonly more?: readonly string[];
}

/** A root file system of Debian as a tar, where it is not there yet. Of several processes that ask at once, one works. Needs root. */
export async function makeRootFile({ file, packages: wanted, leftOut: patterns, more = [] }: RootFile): Promise<string> {
  if (existsSync(file)) return file;
  if (process.getuid?.() !== 0) throw new Error('Tests with Docker need root: debootstrap and dockerd do.');
  await mkdir(join(file, '..'), { recursive: true });
  const include = wanted.length === 0 ? '' : `--include=${wanted.join(',')}`;
  const exclude = patterns.map((path) => `--exclude=${path}`).join(' ');
  const work = [
    `test -e "${file}" && exit 0`,
    `root="${file}.root"`,
    'rm -rf "$root"',
    `debootstrap --variant=minbase ${include} bookworm "$root"`,
    ...more,
    `tar ${exclude} -C "$root" -c -f "${file}.part" .`,
    `mv "${file}.part" "${file}"`,
    'rm -rf "$root"',
  ];
  await run('flock', [`${file}.lock`, 'sh', '-ec', work.join('\n')]);
  return file;
}

async function run(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = `${output}${chunk.toString('utf8')}`.slice(-4000)));
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`Cannot make the image of the Docker tests: ${output}`);
}
