/** `npm run bench -- --set physical`: base backups, increments, the write-ahead log and the way back to a moment, beside pgBackRest. */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run, type Usage } from './measure.ts';
import { cleanEnvironment } from './peers/peer.ts';
import { pgBackRestCommands } from './peers/pgbackrest.ts';
import { makeCopiers, type Copier, type CopierName } from './physical-copiers.ts';
import { openToServer, sizeBelow } from './server-folder.ts';
import { fingerprint, makeDatabase, scatterChanges, type BenchDatabase } from './postgres-database.ts';

export const physicalWorks = ['full', 'increment', 'wal', 'recovery'] as const;
export type PhysicalWork = (typeof physicalWorks)[number];

export interface PhysicalSample extends Usage {
  readonly program: CopierName;
  readonly work: PhysicalWork;
  readonly round: number;
  /** What the work added to the repository. */
  readonly addedBytes: number;
  /** Segments of 16 MiB, where the work is their storing. */
  readonly segments?: number;
}

export interface PhysicalOutcome {
  readonly samples: readonly PhysicalSample[];
  readonly database: Pick<BenchDatabase, 'bytes' | 'rows' | 'serverVersion'>;
  /** Pages that a day's work has changed, as a share of all. */
  readonly changed: number;
  readonly versions: readonly string[];
}

export interface PhysicalBenchRequest {
  readonly rounds: number;
  readonly scale: number;
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

/** Runs all rounds. Throws when a program fails or brings back other rows than there were at that moment. */
export async function benchPhysical(request: PhysicalBenchRequest): Promise<PhysicalOutcome> {
  const { rounds, say } = request;
  const samples: PhysicalSample[] = [];
  let found: Omit<PhysicalOutcome, 'samples' | 'versions'> | undefined;
  for (let round = 1; round <= rounds; round += 1) {
    const folder = mkdtempSync(join(request.workFolder, 'physical-'));
    chmodSync(folder, 0o755);
    const finished = openToServer(join(folder, 'finished-wal'));
    say(`physical, round ${round} of ${rounds}: making the database`);
    const database = await makeDatabase(request.scale, {
      fillFactor: 90,
      settings: {
        full_page_writes: 'on',
        archive_mode: 'on',
        archive_command: `cp %p ${finished}/%f`,
        max_slot_wal_keep_size: '16GB',
      },
    });
    try {
      const { bytes, rows, serverVersion } = database;
      const play = playRound({ database, folder, finished, round });
      for (let next = await play.next(); ; next = await play.next()) {
        if (next.done === true) {
          found = { database: { bytes, rows, serverVersion }, changed: next.value };
          break;
        }
        samples.push(next.value);
        say(describeSample(next.value));
      }
    } finally {
      await database.cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (found === undefined) throw new Error('Cannot measure: there was no round.');
  return { samples, versions: [(await run([pgBackRestCommands('/nonexistent').version])).trim()], ...found };
}

interface Round {
  readonly database: BenchDatabase;
  readonly folder: string;
  /** Where the server puts finished segments, for programs that they are pushed to. */
  readonly finished: string;
  readonly round: number;
}

/** Gives the samples, and in the end the share of pages that had changed. */
async function* playRound({ database, folder, finished, round }: Round): AsyncGenerator<PhysicalSample, number, undefined> {
  const { cluster } = database;
  const [beginning] = await cluster.query<{ segment: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS segment');
  const copiers = makeCopiers(database, folder);
  for (const { prepare } of copiers) await prepare();
  const sample = async (copier: Copier, work: PhysicalWork, doWork: () => Promise<Usage>): Promise<PhysicalSample> => {
    const before = sizeBelow(copier.repository);
    await settle(folder);
    const usage = await doWork();
    return { program: copier.name, work, round, addedBytes: sizeBelow(copier.repository) - before, ...usage };
  };
  for (const copier of copiers) yield await sample(copier, 'full', () => copier.backup('full'));
  const changed = await scatterChanges(database, 1);
  await cluster.query('CHECKPOINT');
  for (const copier of copiers) yield await sample(copier, 'increment', () => copier.backup('increment'));
  /* Work after the backup, the moment to go back to, and what must not be there then. */
  await scatterChanges(database, 2);
  const expected = await fingerprint(database, database.name);
  const [moment] = await cluster.query<{ time: string }>(
    "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS time",
  );
  const time = moment?.time ?? '';
  await cluster.query(`SELECT pg_sleep(1.1); UPDATE customers SET name = 'too late'`, database.name);
  await cluster.query('SELECT pg_switch_wal()');
  await waitForArchive(database);
  const segments = readdirSync(finished)
    .filter((name) => /^[0-9A-F]{24}$/.test(name) && name > (beginning?.segment ?? ''))
    .toSorted();
  for (const copier of copiers) {
    const stored = await sample(copier, 'wal', () => copier.storeWal(segments.map((name) => join(finished, name))));
    yield { ...stored, segments: segments.length };
  }
  for (const copier of copiers) {
    const target = openToServer(join(folder, `restored-${copiers.indexOf(copier)}`), 0o700);
    let restored: Awaited<ReturnType<Copier['recover']>> | undefined;
    yield await sample(copier, 'recovery', async () => {
      restored = await copier.recover(target, time);
      return restored.usage;
    });
    try {
      const print = restored === undefined ? undefined : await fingerprint({ cluster: restored }, database.name);
      if (print !== expected) throw new Error(`Cannot go on: ${copier.name} brought back other rows than there were at ${time}.`);
    } finally {
      await restored?.stop();
    }
    rmSync(target, { recursive: true, force: true });
  }
  return changed;
}

async function waitForArchive({ cluster }: BenchDatabase): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const [state] = await cluster.query<{ done: boolean }>(
      'SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16 * 1024 * 1024) AS done FROM pg_stat_archiver',
    );
    if (state?.done === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('Cannot go on: the server did not archive its last segment within a minute.');
}

async function settle(folder: string): Promise<void> {
  await run([{ argv: ['sync'], env: cleanEnvironment(folder) }]);
}

function describeSample({ work, program, wallSeconds, cpuSeconds, peakBytes, addedBytes, segments }: PhysicalSample): string {
  const each = segments === undefined ? '' : `, ${(wallSeconds / segments).toFixed(3)} s a segment of ${segments}`;
  return `  ${work.padEnd(10)} ${program.padEnd(19)} ${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, peak ${(peakBytes / 1e6).toFixed(0)} MB, added ${(addedBytes / 1e6).toFixed(1)} MB${each}`;
}
