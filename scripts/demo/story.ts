/** What the demo shows: an application runs, is backed up, is destroyed, comes back, and is compared with what it was. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { checkHealth, destroyApplication } from './application.ts';
import type { DemoApplication } from './demo-application.ts';
import { type Fingerprint, takeFingerprint } from './fingerprint.ts';
import { workGoesOn } from './install-application.ts';
import { heading, say, secondsPassed, timed, type TimedStep } from './stopwatch.ts';
import { countFacts, judge, type Verdict } from './verdict.ts';

const holdfast = fileURLToPath(new URL('../../holdfast', import.meta.url));

interface Command {
  readonly folder: string;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Tells it with the commands that a user would give. Throws where a backup fails; what a recovery leaves undone is a reason of the verdict. */
export async function tellStory(application: DemoApplication, place: string): Promise<Verdict> {
  const [repository, password, steps] = [join(place, 'backups'), randomBytes(16).toString('hex'), [] as TimedStep[]];
  const [oldState, newState, emptyFolder] = [join(place, 'state'), join(place, 'new-state'), join(place, 'new-machine')];
  const configuration = join(application.folder, 'holdfast.yaml');
  const failures: string[] = [];
  const run = async (name: string, command: Command): Promise<void> => {
    const environment = { ...application.environment, HOLDFAST_PASSWORD: password, ...command.environment };
    const status = await timed(steps, name, () => runHoldfast({ ...command, environment }));
    if (status !== 0) failures.push(`"holdfast ${command.words[0]}" ended with status ${status}`);
  };
  const backup = {
    folder: application.folder,
    words: ['backup', '-c', configuration],
    environment: { HOLDFAST_STATE: oldState, DATABASE_URL: application.databaseUrl },
  };

  heading('The application runs');
  await describeApplication(application);
  heading('It is backed up; work goes on; the second backup stores what is new');
  await run('first backup', backup);
  await workGoesOn(application);
  await run('second backup', backup);
  if (failures.length > 0) return judge(undefined, undefined, failures);
  const before = await takeFingerprint(application);
  say(`to lose: ${countFacts(before, 'table')} tables with ${before.rows} rows, ${countFacts(before, 'file')} files`);

  heading('Everything is destroyed');
  await destroyApplication(application);
  await rm(oldState, { recursive: true, force: true });
  say('database and role dropped; uploads, settings, code and holdfast.yaml deleted. What is left: the repository, and its password');
  heading('It comes back from the repository and the password alone');
  await mkdir(emptyFolder);
  await run('recovery', { folder: emptyFolder, words: ['recover', '-r', repository, '--yes'], environment: { HOLDFAST_STATE: newState } });

  heading('The proof: what is there now, compared with what was there before');
  const after = await timed(steps, 'proof', () => takeFingerprint(application)).catch((error: unknown) => {
    failures.push(error instanceof Error ? error.message : String(error));
  });
  await run('check of the repository', { folder: emptyFolder, words: ['check', '--read-data', '-r', repository], environment: {} });
  const verdict = judge(before, after ?? undefined, failures);
  reportOn(before, verdict, steps);
  return verdict;
}

async function describeApplication(application: DemoApplication): Promise<void> {
  const { folder, web, cluster } = application;
  say(`${folder}, with PostgreSQL on port ${cluster.port}`);
  say(`health: ${await checkHealth(application)}`);
  if (web === undefined)
    say(
      'app.py does not run here: no python3 with psycopg2 (apt-get install python3-psycopg2): psql migrates, and health is asked by SQL and a command.',
    );
}

function reportOn(before: Fingerprint, { proved }: Verdict, steps: readonly TimedStep[]): void {
  heading('Report');
  for (const { name, seconds } of steps) say(`${name.padEnd(24)} ${seconds.toFixed(1).padStart(5)} s`);
  say(`${'the whole demo'.padEnd(24)} ${secondsPassed().toFixed(1).padStart(5)} s`);
  if (!proved) return;
  const { facts } = before;
  const counted = ['table', 'sequence', 'role', 'file', 'folder'].map((kind) => `${countFacts(before, kind)} ${kind}s`).join(', ');
  say(`the same: ${counted}; the schema; code at ${facts.get('code')?.slice(0, 12) ?? ''}; health`);
}

let running: ChildProcess | undefined;

/** Ends the command that runs, if there is one, as Ctrl-C would. */
export async function endHoldfast(): Promise<void> {
  if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
  const ended = once(running, 'exit');
  running.kill('SIGTERM');
  await ended;
}

/** Runs the CLI as a user would, and shows what it says. Passwords travel in the environment, never among the arguments. Its status. */
async function runHoldfast({ folder, words, environment }: Command): Promise<number> {
  say(styleText('bold', `$ holdfast ${words.join(' ')}`));
  const child = spawn(holdfast, [...words], { cwd: folder, env: { ...environment }, stdio: ['ignore', 'inherit', 'inherit'] });
  running = child;
  await once(child, 'exit');
  return child.exitCode ?? 128;
}
