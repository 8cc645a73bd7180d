/** `npm run bench`: holdfast and its peers side by side on the same data; writes bench/RESULTS.md. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installMissing } from '../scripts/prepare-system.ts';
import { systemClock } from '../src/util/clock.ts';
import { openDataset, type Dataset } from './datasets/dataset.ts';
import { describeMachine, readVersions } from './machine.ts';
import { run } from './measure.ts';
import { readOptions, usage, type BenchOptions } from './options.ts';
import { holdfast, holdfastEntry } from './peers/holdfast.ts';
import type { Command, Peer } from './peers/peer.ts';
import { benchDumps } from './postgres-dump.ts';
import { benchPhysical } from './postgres-physical.ts';
import { writeDumpSection } from './postgres-report.ts';
import { writePhysicalSection } from './physical-report.ts';
import { writeLossSection } from './loss-report.ts';
import { measureLoss } from './wal-loss.ts';
import { benchObjectStore } from './object-store.ts';
import { writeStoreSection } from './object-store-report.ts';
import { benchScale } from './scale/bench-scale.ts';
import { writeScaleSection } from './scale/scale-report.ts';
import { replaceSection, sectionNames, sectionOf, type SectionName } from './section.ts';
import { writeReport } from './report.ts';
import { runRound, type Failure, type Sample } from './round.ts';

const words = process.argv.slice(2);
try {
  if (words.includes('--help')) say(usage);
  else process.exitCode = await benchmark(readOptions(words));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

/** Runs everything and writes the results. Returns the exit status: 1 when a program failed. */
async function benchmark(options: BenchOptions): Promise<number> {
  const { peers, sets, scenarios, rounds, scale } = options;
  const date = systemClock.now();
  await installMissing();
  if (peers.includes(holdfast) || options.servers.length > 0) await prepareHoldfast(options.build);
  for (const folder of [options.dataFolder, options.workFolder]) mkdirSync(folder, { recursive: true });
  const command = ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
  for (const name of options.servers) await benchmarkServer(name, options, { date, command });
  if (sets.length === 0) return 0;
  const versions = await readVersions(peers);
  const machine = describeMachine(options.dataFolder, options.workFolder);
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  const datasets: Dataset[] = [];
  for (const name of sets) {
    say(`${name}: making or finding the data in ${options.dataFolder}`);
    const dataset = openDataset(name, options.dataFolder, scale);
    datasets.push(dataset);
    for (let round = 1; round <= rounds; round += 1) {
      say(`${name}, round ${round} of ${rounds}`);
      const workFolder = mkdtempSync(join(options.workFolder, 'round-'));
      const outcome = await runRound({ dataset, peers, scenarios, round, workFolder, say });
      samples.push(...outcome.samples);
      failures.push(...outcome.failures);
    }
  }
  const commands = peers.flatMap(commandLines);
  const report = writeReport({ date, command, machine, versions, peers, datasets, scenarios, rounds, scale, commands, samples, failures });
  const kept = readResults(options.out);
  const sections = sectionNames.map((name) => [name, sectionOf(kept, name)] as const);
  writeFileSync(
    options.out,
    sections.reduce((text, [name, section]) => (section === undefined ? text : replaceSection(text, name, section)), report),
  );
  say(`Results: ${options.out}`);
  return failures.length > 0 ? 1 : 0;
}

/** Measures on a PostgreSQL server and writes that section of the results; the others stay as they are. */
async function benchmarkServer(
  name: SectionName,
  options: BenchOptions,
  { date, command }: { date: Date; command: string },
): Promise<void> {
  const { rounds, scale, workFolder } = options;
  const input = { date, command, machine: describeMachine(options.dataFolder, workFolder), rounds, scale };
  const request = { rounds, scale, workFolder, say };
  const sections: Readonly<Record<SectionName, () => Promise<string>>> = {
    dump: async () => writeDumpSection({ ...input, outcome: await benchDumps(request) }),
    physical: async () => writePhysicalSection({ ...input, outcome: await benchPhysical(request) }),
    s3: async () => writeStoreSection({ ...input, outcome: await benchObjectStore({ ...request, dataFolder: options.dataFolder }) }),
    scale: async () => writeScaleSection({ ...input, outcome: await benchScale(request) }),
    loss: async () => writeLossSection({ ...input, outcome: await measureLoss(request) }),
  };
  const section = await sections[name]();
  writeFileSync(options.out, replaceSection(readResults(options.out), name, section));
  say(`Results: ${options.out}`);
}

function readResults(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Builds the package, so that what is measured is what the sources say. */
async function prepareHoldfast(build: boolean): Promise<void> {
  if (build) {
    rmSync(holdfastEntry, { force: true });
    const root = join(import.meta.dirname, '..');
    await run([{ argv: [process.execPath, join(root, 'scripts', 'build.ts')], env: { PATH: process.env['PATH'] ?? '' }, cwd: root }]);
  }
  if (!existsSync(holdfastEntry)) throw new Error(`Cannot measure holdfast: ${holdfastEntry} is missing. Run: npm run build`);
}

/** The commands of a peer for the reader of the results, with REPOSITORY, DATA and TARGET in place of folders. */
function commandLines(peer: Peer): string[] {
  const place = { repository: 'REPOSITORY', home: 'HOME' };
  const steps: Command[] = [
    ...peer.init(place),
    ...peer.backup(place, ['DATA'], 'LABEL'),
    ...peer.restore(place, 'LABEL', 'TARGET'),
    ...peer.prune(place),
  ];
  const program = [process.execPath, holdfastEntry].join(' ');
  return steps.map((step) =>
    `${step.cwd === undefined ? '' : `cd ${step.cwd}; `}${step.argv.join(' ')}`.replace(program, 'node dist/cli/main.js'),
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
