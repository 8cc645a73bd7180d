import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHookServer, type HookServer } from '../../../test/harness/watch/hook-server.ts';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from '../testing/run-holdfast.ts';

let place: Awaited<ReturnType<typeof makeWorkplace>>;
let hook: HookServer;

beforeAll(async () => {
  place = await makeWorkplace();
  hook = await startHookServer(({ path }) => (path.startsWith('/bad') ? [410, 'gone'] : [200, 'ok']));
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop
repositories: { local: ./backups }
components: { uploads: { files: . } }
notify:
  - { slack: ${hook.url}/good/hush-hush }
  - { name: dead, webhook: { env: BAD_HOOK } }
  - { healthcheck: ${hook.url}/ping/hush-hush }
`,
  );
});
afterAll(async () => {
  await hook.stop();
  await place.remove();
});

function run(...words: readonly string[]): Promise<RunResult> {
  return runHoldfast(words, { cwd: place.folder, env: { HOLDFAST_STATE: place.path('state'), BAD_HOOK: `${hook.url}/bad/hush-hush` } });
}

test('a test is really sent, and says what each answered; what fails shows in the status, and no address in the text', async () => {
  const { status, stdout, stderr } = await run('notify', 'test');
  expect(status).toBe(1);
  expect(stdout).toBe('  ok  slack: 200 ok\nFAIL  dead: it answered 410 gone\n  ok  healthcheck: 200 ok\n');
  expect(stdout + stderr).not.toContain('hush');
  expect(hook.requests.map(({ path }) => path).toSorted()).toEqual(['/bad/hush-hush', '/good/hush-hush', '/ping/hush-hush']);
});

test('one of them', async () => {
  const { status, stdout } = await run('notify', 'test', 'slack', '--json');
  expect(status).toBe(0);
  expect(parseLines(stdout)).toEqual([{ message_type: 'answer', route: 'slack', ok: true, answer: '200 ok' }]);
  const stray = await run('notify', 'test', 'slak');
  expect(stray.status).toBe(2);
  expect(stray.stderr).toContain('there is no route "slak" (slack, dead, healthcheck)');
});

test('the list says who is told what', async () => {
  const { status, stdout } = await run('notify', 'list');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^slack +slack +http:\/\/127\.0\.0\.1:\d+\/… +failure objective .*never$/m);
  expect(stdout).toMatch(/^dead +webhook +\$BAD_HOOK /m);
  expect(stdout).toMatch(/^healthcheck .* start success failure +never$/m);
  expect(stdout).toContain('no alarm is open');
  const records = parseLines((await run('notify', 'list', '--json')).stdout);
  expect(records.map(({ message_type, name, waiting }) => [message_type, name, waiting])).toEqual([
    ['route', 'slack', 0],
    ['route', 'dead', 0],
    ['route', 'healthcheck', 0],
  ]);
});

test('without a configuration it says what is missing', async () => {
  const { status, stderr } = await runHoldfast(['notify', 'list'], { cwd: '/', env: { HOLDFAST_STATE: place.path('state') } });
  expect(status).toBe(2);
  expect(stderr).toContain('Cannot read the configuration holdfast.yaml: there is none in');
  expect(stderr).toContain('holdfast init');
});
