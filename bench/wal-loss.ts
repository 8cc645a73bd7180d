/** `npm run bench -- --set loss`: how much is lost when a PostgreSQL server is gone at once, under load. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { judgeWal, untilStreaming } from '../test/chaos/wal-judgement.ts';
import { startCluster, type ThrowawayCluster } from '../test/harness/postgres/throwaway-cluster.ts';
import { startHoldfast } from '../test/harness/programs/run-programs.ts';
import { createQuickRepository } from '../test/harness/repositories/quick-repository.ts';
import { parseLsn } from '../src/util/lsn.ts';
import { seededBelow } from '../test/harness/trees/seeded-bytes.ts';

/** What goes at the same instant: the server alone, or the receiver of its log with it, as when both are on one machine. */
export const lossCases = ['server', 'server and receiver', 'server and receiver, synchronous'] as const;
export type LossCase = (typeof lossCases)[number];

export interface LossSample {
  readonly case: LossCase;
  /** Transactions that the server had confirmed to the client. */
  readonly committed: number;
  /** Of these, how many the repository does not have. */
  readonly lost: number;
  /** How long before the end the first of the lost was confirmed; 0 where none was. */
  readonly lostMs: number;
}

export interface LossOutcome {
  readonly samples: readonly LossSample[];
  readonly flushMs: number;
  readonly serverVersion: string;
}

export interface LossRequest {
  /** How often each. */
  readonly rounds: number;
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

const flushMs = 1000;
const slot = 'loss';

/** Throws where what is stored is not what the server wrote, or has a gap. */
export async function measureLoss({ rounds, workFolder, say }: LossRequest): Promise<LossOutcome> {
  const samples: LossSample[] = [];
  let serverVersion = '';
  for (const which of lossCases) {
    const folder = mkdtempSync(join(workFolder, 'loss-'));
    const repository = join(folder, 'repository');
    await createQuickRepository(repository);
    const cluster = await startCluster({
      settings: { wal_keep_size: '8GB', max_wal_size: '8GB', synchronous_commit: 'on', autovacuum: 'off' },
    });
    try {
      const [version] = await cluster.query<{ server_version: string }>('SHOW server_version');
      serverVersion = version?.server_version ?? '';
      await cluster.query('CREATE TABLE load (id bigserial PRIMARY KEY, text text)');
      for (let round = 1; round <= rounds; round += 1) {
        const sample = await tryOnce({ which, cluster, repository, round });
        samples.push(sample);
        say(
          `  ${which}, ${round} of ${rounds}: ${sample.lost} of ${sample.committed} transactions lost, ${(sample.lostMs / 1000).toFixed(2)} s`,
        );
        await cluster.restart();
      }
    } finally {
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { samples, flushMs, serverVersion };
}

interface Trial {
  readonly which: LossCase;
  readonly cluster: ThrowawayCluster;
  readonly repository: string;
  readonly round: number;
}

async function tryOnce({ which, cluster, repository, round }: Trial): Promise<LossSample> {
  const isSynchronous = which === 'server and receiver, synchronous';
  const url = `postgresql://postgres@/postgres?host=${encodeURIComponent(cluster.socketFolder)}&port=${cluster.port}`;
  const how = isSynchronous ? ['--synchronous'] : ['--flush', `${flushMs}ms`];
  const receiver = startHoldfast(repository, ['wal', 'stream', '--postgres', url, '--slot', slot, ...how, '-q']);
  await untilStreaming(cluster, slot, receiver.ended);
  await setStandby(cluster, isSynchronous ? `holdfast_${slot}` : '');
  // All that was committed before is stored.
  await sleep(isSynchronous ? 1000 : flushMs + 1000);
  const { end: from } = await judgeWal(repository, cluster, { from: await positionOf(cluster) });
  const before = (await judgeWal(repository, cluster, { from })).commits;
  const load = commitAsFastAsItGoes(cluster);
  await sleep(1500 + seededBelow(`${which} ${round}`, 2000));
  const end = performance.now();
  if (which !== 'server') receiver.child.kill('SIGKILL');
  await cluster.kill();
  const confirmed = (await load.ended).filter((at) => at <= end);
  // The receiver stores what it has in memory once the connection is gone.
  if (which === 'server') await sleep(1500);
  receiver.child.kill('SIGKILL');
  await receiver.ended;
  const stored = (await judgeWal(repository, cluster, { from })).commits - before;
  const firstLost = confirmed[stored];
  return {
    case: which,
    committed: confirmed.length,
    lost: Math.max(0, confirmed.length - stored),
    lostMs: firstLost === undefined ? 0 : end - firstLost,
  };
}

/** One client, transaction after transaction, until the server is gone. When each was confirmed. */
function commitAsFastAsItGoes(cluster: ThrowawayCluster): { readonly ended: Promise<number[]> } {
  const work = async (): Promise<number[]> => {
    const times: number[] = [];
    const { host, port, password } = cluster;
    const client = new pg.Client({ host, port, user: 'postgres', password, database: 'postgres' });
    client.on('error', () => {});
    try {
      await client.connect();
      for (;;) {
        await client.query('INSERT INTO load (text) SELECT repeat(md5(random()::text), 20) FROM generate_series(1, 20)');
        times.push(performance.now());
      }
    } catch {
      return times;
    } finally {
      await client.end().catch(() => {});
    }
  };
  return { ended: work() };
}

async function positionOf(cluster: ThrowawayCluster): Promise<bigint> {
  const [row] = await cluster.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  return parseLsn(row?.lsn ?? '');
}

/** In one statement each: a reload is not a transaction, and neither waits for the standby. */
async function setStandby(cluster: ThrowawayCluster, names: string): Promise<void> {
  await cluster.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await cluster.query('SELECT pg_reload_conf()');
}
