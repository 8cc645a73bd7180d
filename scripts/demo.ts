/**
 * `npm run demo`: the main job on a real application, from nothing. Starts a PostgreSQL server and a folder of uploads, backs both
 * up, destroys them, brings them back, and proves row by row and byte by byte that nothing was lost. Everything it makes lies in one
 * temporary folder and is gone at the end. Exit status 0 only when the proof holds.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import {
  createApplication,
  destroyApplication,
  fingerprintApplication,
  type ApplicationFingerprint,
  type DemoApplication,
} from './demo/application.ts';
import { compareFingerprints, countRows } from './demo/compare-fingerprints.ts';
import { ensurePostgres } from './demo/ensure-postgres.ts';

const holdfast = fileURLToPath(new URL('../holdfast', import.meta.url));
const began = process.hrtime.bigint();

interface TimedStep {
  readonly name: string;
  readonly seconds: number;
}

await ensurePostgres(say);
const folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
const steps: TimedStep[] = [];
let application: DemoApplication | undefined;
try {
  application = await timed('start an application', () => createApplication(folder));
  process.exitCode = (await tellStory(application, join(folder, 'backups'))) ? 0 : 1;
} finally {
  await application?.stop();
  await rm(folder, { recursive: true, force: true });
}

async function tellStory(app: DemoApplication, repository: string): Promise<boolean> {
  const run = commandRunner(app, repository);
  const database = withoutPassword(app.databaseUrl);
  const first = await fingerprintApplication(app);
  heading('1. An application to lose');
  say(`PostgreSQL database "${app.database}": ${describeRows(first)}; ${Object.keys(first.files).length} uploads in ${app.uploads}`);

  heading('2. Back it up');
  await timed('first backup', () => run('backup', '--files', app.uploads, '--postgres', database));

  heading('3. Work goes on, and a second backup stores only what is new');
  await workGoesOn(app);
  const before = await fingerprintApplication(app);
  await timed('second backup', () => run('backup', '--files', app.uploads, '--postgres', database));
  await run('list');

  heading('4. The disaster');
  await destroyApplication(app);
  say(`dropped the database "${app.database}", deleted ${app.uploads}`);

  heading('5. Bring it back');
  const disaster = process.hrtime.bigint();
  await timed('restore the database', () => run('restore', 'latest', '--component', 'database', '--postgres', database));
  await timed('restore the uploads', () => run('restore', `latest:${app.uploads}`, '--component', 'files', '--target', app.uploads));

  heading('6. The proof');
  const differences = await timed('compare everything', async () => compareFingerprints(before, await fingerprintApplication(app)));
  const recovery = secondsSince(disaster);
  await timed('check the repository', () => run('check', '--read-data'));
  return report(before, differences, recovery);
}

/** New invoices, and uploads that are new, changed and gone. */
async function workGoesOn({ cluster, database, uploads }: DemoApplication): Promise<void> {
  await cluster.query("UPDATE customers SET name = name || ' Ltd' WHERE id % 100 = 0", database);
  await writeFile(join(uploads, 'signed-contract.pdf'), randomBytes(400_000));
  await writeFile(join(uploads, 'notes.txt'), 'The customer called; see the contract.\n');
  say('changed one customer in a hundred, added two uploads');
}

function report(before: ApplicationFingerprint, differences: readonly string[], recovery: number): boolean {
  heading('Report');
  for (const { name, seconds } of steps) say(`${name.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s`);
  say(`${'back after the disaster'.padEnd(24)} ${recovery.toFixed(1).padStart(6)} s   (restored and compared: the RTO as measured)`);
  for (const difference of differences.slice(0, 20)) say(styleText('red', `different: ${difference}`));
  const { tables, files } = before;
  const verdict =
    differences.length === 0
      ? styleText(
          'green',
          `PROVED: ${Object.keys(tables).length} tables with ${countRows(before)} rows and ${Object.keys(files).length} files are exactly as before.`,
        )
      : styleText('red', `NOT PROVED: ${differences.length} differences.`);
  say(verdict);
  say(`The whole demo took ${secondsSince(began).toFixed(0)} s.`);
  return differences.length === 0;
}

/** Runs the CLI as a user would, and shows what it says. The passwords travel in the environment, never among the arguments. */
function commandRunner(app: DemoApplication, repository: string): (...words: string[]) => Promise<void> {
  const environment = {
    ...process.env,
    HOLDFAST_REPOSITORY: repository,
    HOLDFAST_PASSWORD: randomBytes(16).toString('hex'),
    PGPASSWORD: app.cluster.password,
  };
  return (...words) => {
    say(styleText('bold', `$ holdfast ${words.join(' ')}`));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    spawn(holdfast, words, { stdio: ['ignore', 'inherit', 'inherit'], env: environment })
      .once('error', reject)
      .once('exit', (status) => (status === 0 ? resolve() : reject(new Error(`"holdfast ${words[0]}" ended with status ${status}`))));
    return promise;
  };
}

function withoutPassword(address: string): string {
  const url = new URL(address);
  url.password = '';
  return url.href;
}

function describeRows(fingerprint: ApplicationFingerprint): string {
  return `${Object.keys(fingerprint.tables).length} tables, ${countRows(fingerprint)} rows`;
}

async function timed<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const start = process.hrtime.bigint();
  const result = await work();
  steps.push({ name, seconds: secondsSince(start) });
  return result;
}

function secondsSince(start: bigint): number {
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function heading(text: string): void {
  say(`\n${styleText('cyan', text)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
