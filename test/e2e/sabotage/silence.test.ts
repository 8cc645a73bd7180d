/**
 * What nobody is left to tell of: a daemon that was killed, one that hangs, receivers that all fail. Of the first two the receiver of pings learns by their
 * absence, and people again from the next daemon; of the last one whoever reads what the run itself said.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mainFile, makeWorkplace, password, runHoldfast, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { startHookServer, type HookServer } from '../../harness/watch/hook-server.ts';

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });

const minute = 60_000;
let place: Awaited<ReturnType<typeof makeWorkplace>>;
let hooks: HookServer;
let answer: readonly [number, string] = [200, ''];
const daemons: ChildProcess[] = [];
beforeEach(async () => {
  answer = [200, ''];
  [place, hooks] = [await makeWorkplace(), await startHookServer(() => answer)];
});
afterEach(async () => {
  for (const child of daemons.splice(0)) child.kill('SIGKILL');
  await hooks.stop();
  await place.remove();
});

const clockFile = pathToFileURL(join(import.meta.dirname, 'shift-clock.ts')).href;

function environment(name: string, shiftMs = 0): Record<string, string> {
  const folders = { HOLDFAST_STATE: place.path(name, 'state'), XDG_CACHE_HOME: place.path(name, 'cache') };
  return { HOLDFAST_PASSWORD: password, ...folders, NODE_OPTIONS: `--import=${clockFile}`, SABOTAGE_CLOCK: String(shiftMs) };
}

async function layOut(name: string, schedule: string): Promise<void> {
  await mkdir(place.path(name, 'uploads'), { recursive: true });
  await writeFile(place.path(name, 'uploads', 'a.txt'), 'content');
  await writeFile(
    place.path(name, 'holdfast.yaml'),
    `application: ${name}
repositories: { local: ./repository }
components: { uploads: { files: ./uploads, schedule: ${schedule} } }
maintenance: { prune: never, check: never }
notify: [{ healthcheck: '${hooks.url}/ping-${name}' }, { webhook: '${hooks.url}/hook-${name}' }]
`,
  );
}

/** @param shiftMs how far its clock is ahead */
function startDaemon(name: string, shiftMs: number): ChildProcess {
  const words = [
    '--disable-warning=ExperimentalWarning',
    mainFile,
    'serve',
    '-c',
    place.path(name, 'holdfast.yaml'),
    '--listen',
    '127.0.0.1:0',
  ];
  const env = { PATH: process.env['PATH'] ?? '', HOME: place.folder, ...environment(name, shiftMs) };
  const child = spawn(process.execPath, words, { cwd: place.folder, env, stdio: 'ignore' });
  daemons.push(child);
  return child;
}

const pings = (name: string): number => hooks.requests.filter(({ path }) => path === `/ping-${name}`).length;
const told = (name: string): string =>
  hooks.requests
    .filter(({ path }) => path === `/hook-${name}`)
    .map(({ body }) => body)
    .join('\n');

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn += 1) {
    if (turn > 1800) throw new Error(`It did not happen within three minutes: ${what}`);
    await wait(100);
  }
}

/** What a receiver of pings waits for: the schedule's minute, and a grace. Whether nothing came within it. */
async function isSilent(name: string): Promise<boolean> {
  await wait(3000); // what was on its way
  const before = pings(name);
  await wait(minute + 15_000);
  return pings(name) === before;
}

test('daemons that were killed or hang send no more pings, and the next one tells what was missed', async () => {
  const names = ['killed', 'hanging'] as const;
  for (const name of names) await layOut(name, '1m');
  const [killed, hanging] = names.map((name) => startDaemon(name, 0));
  for (const name of names) await until(`two pings of ${name}`, () => pings(name) >= 2);
  killed?.kill('SIGKILL');
  hanging?.kill('SIGSTOP');
  expect(await Promise.all(names.map(isSilent))).toEqual([true, true]);

  const before = names.map(pings);
  hanging?.kill('SIGCONT');
  startDaemon('killed', 60 * minute);
  await until('the pings are back', () => names.every((name, index) => pings(name) > (before[index] ?? 0)));
  // It is caught up at once, so that its end may be told in the same message.
  await until('what was missed is told', () => told('killed').includes('The backup of uploads was not run when it was due'));
});

test('where no receiver can be reached the backup is made all the same, says so, and is told of when one can', async () => {
  await layOut('mute', "'0 2 * * *'");
  const backup = (): Promise<RunResult> =>
    runHoldfast(['backup', '-c', place.path('mute', 'holdfast.yaml')], {
      env: { ...environment('mute'), HOLDFAST_TRIGGER: 'schedule', HOLDFAST_JOB: 'backup:daily' },
    });
  answer = [503, 'later'];
  const well = await backup();
  expect([well.status, well.stderr]).toEqual([0, expect.stringMatching(/the alarm did not reach healthcheck: .*503/)]);
  await rename(place.path('mute', 'uploads'), place.path('mute', 'elsewhere'));
  const failed = await backup();
  expect(failed.status).not.toBe(0);
  expect(failed.stderr).toMatch(/the alarm did not reach webhook: .*503/);
  answer = [200, ''];
  hooks.requests.splice(0);
  const status = await runHoldfast(['status', '-c', place.path('mute', 'holdfast.yaml')], {
    env: { ...environment('mute'), HOLDFAST_TRIGGER: 'schedule' },
  });
  expect(status.stderr).not.toContain('did not reach');
  expect(told('mute')).toContain('"failure:backup:daily"');
});
