/** `npm run bench -- --set dump`: holdfast beside `pg_dump | gzip` and `gunzip | psql`, on one server, in turns. */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { measure, run, type Usage } from './measure.ts';
import { holdfastEntry } from './peers/holdfast.ts';
import { cleanEnvironment, password, type Command } from './peers/peer.ts';
import { resticCheck } from './peers/restic.ts';
import { changeRows, fingerprint, loginOf, makeDatabase, vacuum, type BenchDatabase } from './postgres-database.ts';
import { countContents } from './verify.ts';

export const dumpWorks = ['first', 'restore', 'unchanged', 'changed', 'vacuumed', 'later'] as const;
export type DumpWork = (typeof dumpWorks)[number];
export const dumpPrograms = ['pg_dump | gzip', 'holdfast'] as const;
export type DumpProgram = (typeof dumpPrograms)[number];

export interface DumpSample extends Usage {
  readonly program: DumpProgram;
  readonly work: DumpWork;
  readonly round: number;
  /** What the dump, or the repository, takes afterwards. */
  readonly bytes: number;
}

export interface DumpOutcome {
  readonly samples: readonly DumpSample[];
  readonly database: Pick<BenchDatabase, 'bytes' | 'rows' | 'serverVersion'>;
  readonly commands: readonly string[];
}

export interface DumpBenchRequest {
  readonly rounds: number;
  readonly scale: number;
  readonly workFolder: string;
  readonly say: (line: string) => void;
}

/** Runs all rounds. Throws when a program fails or brings back other rows than there were. */
export async function benchDumps(request: DumpBenchRequest): Promise<DumpOutcome> {
  const { rounds, say } = request;
  say('dump: making the database');
  const database = await makeDatabase(request.scale);
  const samples: DumpSample[] = [];
  try {
    for (let round = 1; round <= rounds; round += 1) {
      say(`dump, round ${round} of ${rounds}`);
      const folder = mkdtempSync(join(request.workFolder, 'dump-'));
      try {
        for await (const sample of playRound(database, folder, round)) {
          samples.push(sample);
          const megabytes = (sample.bytes / 1e6).toFixed(1);
          say(
            `  ${sample.work.padEnd(10)} ${sample.program.padEnd(14)} ${sample.wallSeconds.toFixed(2)} s, CPU ${sample.cpuSeconds.toFixed(2)} s, ${megabytes} MB`,
          );
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    const shown = makeCommands(database, '/WORK');
    return { samples, database, commands: [shown.gzip('first'), shown.gunzip('first'), shown.backup, shown.restore].map(textOf) };
  } finally {
    await database.cluster.stop();
  }
}

async function* playRound(database: BenchDatabase, folder: string, round: number): AsyncGenerator<DumpSample, void, undefined> {
  const commands = makeCommands(database, folder);
  mkdirSync(commands.place.home, { recursive: true });
  mkdirSync(join(commands.place.home, 'tmp'));
  await run([commands.init]);
  const before = await fingerprint(database, database.name);
  const sample = (program: DumpProgram, work: DumpWork, usage: Usage): DumpSample => ({
    program,
    work,
    round,
    bytes: program === 'holdfast' ? countContents(commands.place.repository).bytes : statSync(commands.file(work)).size,
    ...usage,
  });
  const saves = async function* save(work: Exclude<DumpWork, 'restore'>): AsyncGenerator<DumpSample, void, undefined> {
    /* A second file of theirs is like the first. */
    if (work === 'first') {
      await settle(commands);
      yield sample('pg_dump | gzip', work, await measure([commands.gzip(work)]));
    }
    await settle(commands);
    yield sample('holdfast', work, await measure([commands.backup]));
    await run([resticCheck(commands.place)]);
  };
  yield* saves('first');
  for (const program of dumpPrograms) {
    await database.cluster.query('DROP DATABASE IF EXISTS restored');
    if (program !== 'holdfast') await database.cluster.query('CREATE DATABASE restored TEMPLATE template0');
    await settle(commands);
    const usage = await measure([program === 'holdfast' ? commands.restore : commands.gunzip('first')]);
    if ((await fingerprint(database, 'restored')) !== before)
      throw new Error(`Cannot go on: ${program} brought back other rows than there were.`);
    yield { ...sample(program, 'first', usage), work: 'restore' };
  }
  await database.cluster.query('DROP DATABASE restored');
  yield* saves('unchanged');
  /* Three days of work: the first on a table without free space, the others on one that VACUUM has found the free space of. */
  for (const [day, work] of (['changed', 'vacuumed', 'later'] as const).entries()) {
    if (work !== 'changed') await vacuum(database);
    await changeRows(database, { round, day });
    yield* saves(work);
  }
}

interface Commands {
  readonly place: { readonly repository: string; readonly home: string };
  readonly init: Command;
  readonly backup: Command;
  readonly restore: Command;
  file(work: DumpWork): string;
  gzip(work: DumpWork): Command;
  gunzip(work: DumpWork): Command;
}

function makeCommands({ cluster, name }: BenchDatabase, folder: string): Commands {
  const place = { repository: join(folder, 'repository'), home: join(folder, 'home') };
  const env: Record<string, string> = { ...cleanEnvironment(place.home), ...loginOf(cluster), HOLDFAST_PASSWORD: password };
  const url = `postgresql://${cluster.superuser}@${cluster.host}:${cluster.port}/${name}`;
  const file = (work: DumpWork): string => join(folder, `${work}.sql.gz`);
  const shell = (line: string, database: string): Command => ({
    argv: ['bash', '-o', 'pipefail', '-c', line],
    env: { ...env, PATH: `${cluster.toolsFolder}:${env['PATH'] ?? ''}`, PGDATABASE: database },
  });
  const ours = (...words: string[]): Command => ({
    argv: [process.execPath, holdfastEntry, ...words, '-r', place.repository, '--quiet'],
    env,
  });
  return {
    place,
    file,
    init: ours('repo', 'init'),
    backup: ours('backup', '--postgres', url),
    restore: ours('restore', 'latest', '--postgres', url, '--into', 'restored'),
    gzip: (work) => shell(`pg_dump | gzip >${file(work)}`, name),
    gunzip: (work) => shell(`gunzip -c ${file(work)} | psql -X -q -v ON_ERROR_STOP=1 >/dev/null`, 'restored'),
  };
}

/** Lets the disk finish what the program before has left, and the server write what it holds back. */
async function settle({ place }: Commands): Promise<void> {
  await run([{ argv: ['sync'], env: cleanEnvironment(place.home) }]);
}

function textOf({ argv }: Command): string {
  const words = argv[0] === 'bash' ? (argv.at(-1) ?? '') : argv.join(' ');
  return words.replace([process.execPath, holdfastEntry].join(' '), 'node dist/cli/main.js');
}
