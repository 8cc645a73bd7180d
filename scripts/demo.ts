/**
 * `npm run demo`: a whole application is lost and comes back, from nothing. The example Northstar Timesheet runs on this host with a
 * PostgreSQL server of its own; it is backed up, destroyed, recovered from the repository and its password alone, and compared row by row
 * and byte by byte. Everything lies in one temporary folder and is gone at the end. Exit status 0 only when the proof holds.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { createApplication, stopWeb } from './demo/application.ts';
import type { DemoApplication } from './demo/demo-application.ts';
import { ensurePostgres } from './demo/ensure-postgres.ts';
import { endHoldfast, tellStory } from './demo/story.ts';
import { say } from './demo/stopwatch.ts';
import { judge, type Verdict } from './demo/verdict.ts';

/* What app.py reads as www-data may be read by it, whatever the user's own habit is. */
process.umask(0o022);

let cleaned: Promise<void> | undefined;
let place: string | undefined;
let application: DemoApplication | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void cleanUp().finally(() => process.exit(128 + constants.signals[signal])));

const verdict = await run();
for (const reason of verdict.reasons) say(styleText('red', reason));
process.stdout.write(`${styleText(verdict.proved ? 'green' : 'red', verdict.line)}\n`);
process.exitCode = verdict.proved ? 0 : 1;

/** The story, and the cleaning up behind it. A failure of either is a reason. */
async function run(): Promise<Verdict> {
  let told: Verdict;
  try {
    await ensurePostgres(say);
    place = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
    await chmod(place, 0o755);
    application = await createApplication(place);
    told = await tellStory(application, place);
  } catch (error) {
    told = judge(undefined, undefined, [reasonOf(error)]);
  }
  const left = await cleanUp().then(
    () => [],
    (error: unknown) => [`cleaning up failed: ${reasonOf(error)}`],
  );
  return left.length === 0 ? told : judge(undefined, undefined, [...told.reasons, ...left]);
}

function cleanUp(): Promise<void> {
  return (cleaned ??= (async () => {
    await endHoldfast();
    if (place !== undefined) await stopWeb(join(place, 'run'));
    await application?.stop();
    if (place !== undefined) await rm(place, { recursive: true, force: true, maxRetries: 5 });
  })());
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
