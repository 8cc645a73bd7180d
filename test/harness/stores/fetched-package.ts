/** Servers that npm has, for tests only: fetched once a machine into a cache folder, at a version and as of a day, so that every machine gets the same. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export interface FetchedPackage {
  readonly name: string;
  readonly version: string;
  /** What it depends on is taken as it was on this day. */
  readonly asOf: string;
  /** Said beside its name while it is fetched. */
  readonly size: string;
  /** Only these (`NAME@VERSION`) beside the package itself, instead of all that it depends on. */
  readonly only?: readonly string[];
}

/** The folder that holds `node_modules` with the package, fetched where it is not here yet. Throws with npm's own words where that fails. */
export async function fetchPackage(wanted: FetchedPackage): Promise<string> {
  const folder = join(cacheFolder(), `${wanted.name}-${wanted.version}`);
  if (isThere(folder, wanted)) return folder;
  process.stdout.write(`fetching ${wanted.name} ${wanted.version} (${wanted.size}, once a machine)\n`);
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.part-`);
  try {
    await writeFile(join(work, 'package.json'), '{ "private": true }\n');
    const whole = `${wanted.name}@${wanted.version}`;
    install(work, wanted.asOf, wanted.only ?? [whole]);
    if (wanted.only !== undefined) await unpack(work, whole, join(work, 'node_modules', wanted.name));
    /* Of several processes that fetch at once, the first to be finished wins. */
    await rename(work, folder).catch((error: unknown) => {
      if (!isThere(folder, wanted)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

function install(folder: string, asOf: string, packages: readonly string[]): void {
  const options = ['--ignore-scripts', '--omit=optional', '--omit=dev', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  try {
    run(folder, 'npm', ['install', ...options, `--before=${asOf}`, ...packages]);
  } catch {
    /* A registry that is a copy may know other days. */
    run(folder, 'npm', ['install', ...options, ...packages]);
  }
}

async function unpack(folder: string, whole: string, target: string): Promise<void> {
  run(folder, 'npm', ['pack', '--silent', '--loglevel=error', whole]);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new Error(`npm packed nothing of ${whole}`);
  await mkdir(target);
  run(folder, 'tar', ['-xzf', archive, '-C', target, '--strip-components=1', '--no-same-owner']);
  await rm(join(folder, archive));
}

function run(folder: string, file: string, args: readonly string[]): void {
  const done = spawnSync(file, args, { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${done.error?.message ?? done.stderr}`);
}

function isThere(folder: string, { name }: FetchedPackage): boolean {
  return existsSync(join(folder, 'node_modules', name, 'package.json'));
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'holdfast-test', 'stores');
}
