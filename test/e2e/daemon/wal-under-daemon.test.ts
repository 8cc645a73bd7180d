/** The real daemon receives the write-ahead log of a real server: the receiver is killed, the server restarted, the daemon ended and killed. Nothing is missing. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { mainFile, makeWorkplace, parseLines } from '../../../src/cli/testing/run-holdfast.ts';
import type { JsonObject } from '../../../src/util/wire.ts';
import { judgeWal } from '../../chaos/wal-judgement.ts';
import { startCluster, type ThrowawayCluster } from '../../harness/postgres/throwaway-cluster.ts';
import { done, holdfast, password } from '../../harness/programs/run-programs.ts';
import { createQuickRepository } from '../../harness/repositories/quick-repository.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 });

const token = '0123456789abcdef0123';
const walRuns = z.object({ runs: z.array(z.looseObject({ kind: z.string(), status: z.string(), pid: z.number() })) });
const standing = z.looseObject({
  write_ahead_logs: z.array(z.looseObject({ component: z.string(), running: z.boolean(), failures: z.number() })),
});

interface Daemon {
  readonly process: ChildProcess;
  readonly url: string;
}

const place = await makeWorkplace();
const repository = place.path('repository');
const daemons: ChildProcess[] = [];
let cluster: ThrowawayCluster;

beforeAll(async () => {
  cluster = await startCluster({ version: 15, settings: { wal_keep_size: '64GB' } });
  await cluster.query('CREATE TABLE load (id bigserial PRIMARY KEY)');
  await createQuickRepository(repository);
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: ./repository }
components:
  server: { postgres: { url: '${cluster.url('postgres').replace(cluster.password, '${PGPASSWORD}')}', mode: physical, wal: { flush: 1s, slot: daemon } } }
serve: { tokens: { name: ops, role: admin, token: ${token} } }
maintenance: { prune: never, check: never }
`,
  );
});
afterAll(async () => {
  for (const daemon of daemons) daemon.kill('SIGKILL');
  for (const pid of await receivers()) kill(pid, 'SIGKILL');
  await cluster?.stop();
  await place.remove();
});

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

async function startDaemon(): Promise<Daemon> {
  const words = ['serve', '-c', place.path('holdfast.yaml'), '--listen', '127.0.0.1:0', '--json'];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, ...words], {
    cwd: place.folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: place.folder,
      HOLDFAST_PASSWORD: password,
      HOLDFAST_STATE: place.path('state'),
      XDG_CACHE_HOME: place.path('cache'),
      PGPASSWORD: cluster.password,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  daemons.push(child);
  let [said, complaint] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const url = await until('the daemon listens', () => {
    if (child.exitCode !== null) throw new Error(complaint);
    const records: JsonObject[] = parseLines(said.slice(0, said.lastIndexOf('\n') + 1));
    return records.find((record) => record['message_type'] === 'listening')?.['url'];
  });
  return { process: child, url: String(url) };
}

async function until<Value>(what: string, look: () => Value | undefined | Promise<Value | undefined>): Promise<Value> {
  for (let turn = 0; turn < 1200; turn += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`It did not happen within two minutes: ${what}.`);
}

async function ask({ url }: Daemon, path: string): Promise<unknown> {
  return (await fetch(new URL(path, url), { headers: { Authorization: `Bearer ${token}` } })).json();
}

/** Of receivers that the history says run now. */
async function receivers(): Promise<number[]> {
  const daemon = daemons.at(-1);
  if (daemon === undefined) return [];
  const { stdout } = await holdfast(repository, ['history', '--kind', 'wal', '--json'], { env: { HOLDFAST_STATE: place.path('state') } });
  return parseLines(stdout).flatMap(({ status, pid }) => (status === 'running' && typeof pid === 'number' ? [pid] : []));
}

async function runningReceivers(daemon: Daemon): Promise<number[]> {
  const { runs } = walRuns.parse(await ask(daemon, '/api/v1/runs'));
  return runs.flatMap(({ kind, status, pid }) => (kind === 'wal' && status === 'running' ? [pid] : []));
}

/** Writes a row, and waits until the server was told that it is stored. Throws where that takes minutes. */
async function untilStored(): Promise<void> {
  await cluster.query('INSERT INTO load DEFAULT VALUES');
  const [row] = await cluster.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  await until('the newest row is stored', async () => {
    const found = await cluster.query(
      "SELECT FROM pg_stat_replication WHERE application_name LIKE 'holdfast%' AND flush_lsn >= $1::pg_lsn",
      'postgres',
      [row?.lsn],
    );
    return found.length > 0 ? true : undefined;
  });
}

async function end(daemon: Daemon, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(daemon.process, 'exit');
  daemon.process.kill(signal);
  await ended;
  return daemon.process.exitCode;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function slotIsActive(): Promise<boolean> {
  const rows = await cluster.query<{ active: boolean }>("SELECT active FROM pg_replication_slots WHERE slot_name = 'daemon'");
  return rows[0]?.active === true;
}

test('a receiver that is killed is started again, and one whose server is restarted goes on; SIGTERM ends it in good order', async () => {
  const daemon = await startDaemon();
  await untilStored();
  const [first = 0] = await until('a receiver runs', async () => {
    const found = await runningReceivers(daemon);
    return found.length === 1 ? found : undefined;
  });
  expect(standing.parse(await ask(daemon, '/api/v1/status'))).toMatchObject({ write_ahead_logs: [{ component: 'server', running: true }] });

  kill(first, 'SIGKILL');
  await cluster.query('INSERT INTO load SELECT FROM generate_series(1, 1000)');
  await untilStored();
  const [second = 0] = await until('another receiver runs', async () => {
    const found = (await runningReceivers(daemon)).filter((pid) => pid !== first);
    return found.length === 1 ? found : undefined;
  });
  expect(isAlive(second)).toBe(true);

  await cluster.halt();
  await cluster.restart();
  await untilStored();
  await judgeWal(repository, cluster);

  const [last = 0] = await runningReceivers(daemon);
  expect(await end(daemon, 'SIGTERM')).toBe(0);
  expect(isAlive(last)).toBe(false);
  expect(await slotIsActive()).toBe(false);
  const history = await done(
    holdfast(repository, ['history', '--kind', 'wal', '--json'], { env: { HOLDFAST_STATE: place.path('state') } }),
  );
  expect(parseLines(history.stdout)[0]).toMatchObject({ pid: last });
  expect(await receivers()).toEqual([]);
});

test('a daemon that is killed leaves its receiver to the next one, which ends it and receives itself', async () => {
  const killed = await startDaemon();
  await untilStored();
  const [orphan = 0] = await until('a receiver runs', async () => {
    const found = await runningReceivers(killed);
    return found.length === 1 ? found : undefined;
  });
  await end(killed, 'SIGKILL');
  await cluster.query('INSERT INTO load SELECT FROM generate_series(1, 1000)');
  const next = await startDaemon();
  await until('the receiver of the killed daemon has ended', () => (isAlive(orphan) ? undefined : true));
  await until('a receiver runs', async () => {
    const found = await runningReceivers(next);
    return found.length === 1 && !found.includes(orphan) ? found : undefined;
  });
  await untilStored();
  const { segments, parts, commits } = await judgeWal(repository, cluster);
  expect(segments + parts).toBeGreaterThan(0);
  expect(commits).toBeGreaterThan(5);
  expect(await end(next, 'SIGTERM')).toBe(0);
  expect(await slotIsActive()).toBe(false);
});
