/** The folder that the commands of one page are run in: an application with uploads and a database, and `holdfast` on PATH. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, readFile, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../../scripts/run-program.ts';
import { cheapenKey } from '../../../src/engine/tree/testing/quick-restic.ts';
import { startCeph } from '../../harness/stores/ceph.ts';
import { startCluster, type ThrowawayCluster } from '../../harness/postgres/throwaway-cluster.ts';

export interface CommandEnd {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Sandbox {
  readonly folder: string;
  /** Runs one command with `sh`. Variables that it sets are there for the next one. */
  run(command: string): Promise<CommandEnd>;
  /** Leaves the lock of a process that was killed in `backups`. */
  leaveStaleLock(): Promise<void>;
  /** Changes some bytes of the largest pack of `backups`. */
  damagePack(): Promise<void>;
  /** Removes the index of `backups`. */
  loseIndex(): Promise<void>;
  remove(): Promise<void>;
}

const database = `
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customers);
CREATE TABLE notes (id integer PRIMARY KEY, note text);
INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 500) n;
INSERT INTO orders SELECT n, 1 + n % 500 FROM generate_series(1, 1000) n;
INSERT INTO notes SELECT n, 'note ' || n FROM generate_series(1, 200) n;
`;

/** Makes one; with a PostgreSQL server that has the database `app`, and an S3 store that has the bucket `acme-backups`, where asked for. */
export async function makeSandbox(options: { readonly postgres: boolean; readonly s3: boolean }): Promise<Sandbox> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-docs-')));
  // What the commands need and no reader has lies beside the folder they see.
  const [work, home, bin, state] = ['work', 'home', 'bin', 'state'].map((name) => join(folder, name)) as [string, string, string, string];
  for (const path of [join(work, 'uploads/2026'), join(work, 'uploads/cache'), home, bin]) await mkdir(path, { recursive: true });
  await symlink(join(projectRoot, 'holdfast'), join(bin, 'holdfast'));
  await writeFile(join(work, '.env'), 'SECRET=1\n');
  await writeFile(join(work, 'uploads/notes.txt'), 'notes\n');
  await writeFile(join(work, 'uploads/2026/invoice-7.pdf'), randomBytes(20_000));
  await writeFile(join(work, 'uploads/cache/old.tmp'), 'x');
  // Larger than any pipe: whoever prints it to one that nobody reads has to wait.
  await writeFile(join(work, 'uploads/logo.png'), randomBytes(2_000_000));
  const cluster = options.postgres ? await startCluster({ databases: ['app'] }) : undefined;
  await cluster?.psql(database, 'app');
  const store = options.s3 ? await startCeph() : undefined;
  await store?.createBucket('acme-backups');
  const keys = store === undefined ? {} : { ...store.environment, AWS_ENDPOINT_URL_S3: store.endpoint };
  const env = { ...variablesOf(cluster, bin), ...keys, HOME: home, TZ: 'UTC', DOCS_STATE: state, HOLDFAST_STATE: join(home, 'state') };
  const start = (command: string): ChildProcess => spawn('sh', ['-c', command], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let cheap = '';
  /* Opening a repository is mostly scrypt, on purpose. A hundred times of it in a test are not to the purpose. */
  const cheapenNewKey = async (): Promise<void> => {
    const keys = join(work, 'backups/keys');
    const [name = '', ...others] = await readdir(keys).catch(() => []);
    const password = /^export HOLDFAST_PASSWORD=(['"])(.*)\1$/m.exec(await readFile(state, 'utf8').catch(() => ''))?.[2];
    if (name === '' || name === cheap || others.length > 0 || password === undefined) return;
    // The key of another password stays as it is until the page sets that.
    await cheapenKey(keys, password).catch(() => {});
    if (!(await readdir(keys)).includes(name)) [cheap = ''] = await readdir(keys);
  };
  return {
    folder: work,
    run: async (command) => {
      const end = await waitFor(start(`${restore}{ ${command}\n}\nstatus=$?\nexport -p >"$DOCS_STATE"\nexit $status`));
      await cheapenNewKey();
      return end;
    },
    leaveStaleLock: () => killWhileLocked(start(`${restore}exec holdfast cat -r backups "latest:files:$PWD/uploads/logo.png"`), work),
    damagePack: () => damageLargest(join(work, 'backups/data')),
    loseIndex: async () => {
      await rm(join(work, 'backups/index'), { recursive: true });
      await mkdir(join(work, 'backups/index'));
    },
    remove: async () => {
      await cluster?.stop();
      await store?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/* With -a every variable that a command sets is exported, and so written down. */
const restore = 'set -a\nif [ -f "$DOCS_STATE" ]; then . "$DOCS_STATE"; fi\n';

function variablesOf(cluster: ThrowawayCluster | undefined, bin: string): Record<string, string> {
  const path = [bin, ...(cluster === undefined ? [] : [cluster.toolsFolder]), process.env['PATH'] ?? ''].join(':');
  if (cluster === undefined) return { PATH: path };
  return { PATH: path, PGHOST: cluster.host, PGPORT: String(cluster.port), PGUSER: cluster.superuser, PGPASSWORD: cluster.password };
}

function waitFor(child: ChildProcess): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ status: code ?? 128, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') }),
    );
  });
}

async function killWhileLocked(child: ChildProcess, work: string): Promise<void> {
  const ended = new Promise((resolve) => child.on('exit', resolve));
  while ((await readdir(join(work, 'backups/locks'))).length === 0) {
    if (child.exitCode !== null)
      throw new Error(`Cannot leave a lock: the process ended with status ${child.exitCode} before it could be killed.`);
    await sleep(10);
  }
  child.kill('SIGKILL');
  await ended;
  if ((await readdir(join(work, 'backups/locks'))).length === 0) throw new Error('Cannot leave a lock: the process gave it back.');
}

async function damageLargest(folder: string): Promise<void> {
  let largest = { path: '', size: 0 };
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { size } = await stat(path);
    if (entry.isFile() && size > largest.size) largest = { path, size };
  }
  await chmod(largest.path, 0o600);
  const file = await open(largest.path, 'r+');
  await file.write('damaged', 1000);
  await file.close();
}
