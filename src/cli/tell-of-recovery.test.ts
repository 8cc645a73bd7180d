/** Recoveries on a machine that knows nothing, told to a real SMTP server and a real hook. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { containing, matching } from '../../test/harness/programs/expected-text.ts';
import { freePort } from '../../test/harness/programs/free-port.ts';
import { startHookServer, type HookServer } from '../../test/harness/watch/hook-server.ts';
import { startSmtpServer, type SmtpServer } from '../../test/harness/watch/smtp-server.ts';
import { exitStatus } from '../errors.ts';
import { makeWorkplace, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const [application, repository, state] = [place.path('app'), place.path('repository'), place.path('state')];
let hooks: HookServer;
let mail: SmtpServer;

const alarm = z.looseObject({
  state: z.string(),
  key: z.string(),
  event: z.string(),
  severity: z.string(),
  component: z.string().optional(),
  title: z.string(),
  text: z.string(),
  facts: z.record(z.string(), z.string()),
});
const told = (): z.infer<typeof alarm>[] =>
  hooks.requests.flatMap(({ body }) => z.looseObject({ alarms: z.array(alarm) }).parse(JSON.parse(body)).alarms);

const configuration = ({ smoke = 'test -s uploads/photo', more = '' } = {}): string => `
application: shop
repositories: { local: ${repository} }
objective: { rpo: 1d, rto: 1h }
components: { uploads: { files: ./uploads }, notes: { files: ./notes } }
recovery: { smoke: [{ run: "${smoke}" }] }
notify:
  - { webhook: "${hooks.url}/hook" }
  - { email: { to: ops@example.org, server: "smtp://127.0.0.1:${mail.port}", tls: none } }
${more}
`;

const hold = (args: string[]): Promise<RunResult> => runHoldfast(args, { cwd: place.folder, env: { HOLDFAST_STATE: state } });
const recover = (...args: string[]): Promise<RunResult> => hold(['recover', '-r', repository, '--yes', ...args]);

/** A machine on which nothing is left. */
async function loseAll(text: string): Promise<void> {
  await rm(application, { recursive: true, force: true });
  for (const folder of ['uploads', 'notes']) await mkdir(place.path('app', folder), { recursive: true });
  await writeFile(place.path('app', 'uploads', 'photo'), 'photo');
  await writeFile(place.path('app', 'notes', 'note'), 'note');
  await writeFile(place.path('app', 'holdfast.yaml'), text);
  const { status, stderr } = await hold(['backup', '-c', place.path('app', 'holdfast.yaml')]);
  expect({ status, stderr }).toMatchObject({ status: exitStatus.done });
  await rm(application, { recursive: true });
  await rm(state, { recursive: true });
  hooks.requests.splice(0);
}

beforeAll(async () => {
  hooks = await startHookServer();
  mail = await startSmtpServer();
});
beforeEach(() => void hooks.requests.splice(0));
afterAll(async () => {
  await hooks.stop();
  await mail.stop();
  await place.remove();
});

test('a recovery tells that it begins and how it ended, with the report for who gets mail', async () => {
  await loseAll(configuration());
  const earlier = mail.mails.length;
  const { status, stdout, stderr } = await recover();
  expect({ status, stderr }).toMatchObject({ status: exitStatus.done });
  expect(stdout).toContain('told: webhook, email');
  const [begin, end] = told();
  expect(begin).toMatchObject({
    event: 'recovery',
    severity: 'info',
    title: 'The recovery of shop begins',
    text: matching(/is put back from the point .* was never measured; 1 h are allowed/),
    facts: { allowed: '1 h', steps: '4' },
  });
  expect(end).toMatchObject({
    key: begin?.key,
    title: 'The recovery of shop is done',
    text: matching(/1 h were allowed\. It is as it was at .* Restored: uploads, notes\. 1 of 1 smoke tests passed\./),
    facts: { 'restored': 'uploads, notes', 'smoke tests': '1 of 1 passed', 'report': containing('recovery-'), 'reached': matching(/T/) },
  });
  await expect.poll(() => mail.mails.length, { timeout: 30_000 }).toBe(earlier + 2);
  const [first, last] = mail.mails.slice(earlier).map(({ data }) => data);
  const thread = /^In-Reply-To: (.*)$/m.exec(first ?? '')?.[1];
  expect(thread).toMatch(/^<[0-9a-f]{32}@/);
  expect(last).toContain(`In-Reply-To: ${thread}`);
  expect(first).not.toContain('attachment');
  expect(last).toMatch(/Content-Disposition: attachment;\s+filename=.?recovery-/);
  expect(hooks.requests.at(-1)?.body).not.toContain('attachment');
});

test('a smoke test that fails is told to who hears only of what is critical', async () => {
  await loseAll(configuration({ smoke: 'false' }).replace('webhook: ', 'severity: critical, webhook: '));
  expect(await recover()).toMatchObject({ status: exitStatus.disproved });
  expect(told()).toMatchObject([{ severity: 'critical', title: 'The recovery of shop is done, and a smoke test failed' }]);
});

test('a recovery that stops says where, and how to go on; a component that goes back is told too, and a part of it is not', async () => {
  await loseAll(configuration().replace('recovery: {', 'recovery: { after: [{ run: "test -e ready" }],'));
  expect((await recover()).status).not.toBe(exitStatus.done);
  expect(told().at(-1)).toMatchObject({
    severity: 'critical',
    title: 'The recovery of shop failed',
    text: matching(/It stopped at "run test -e ready".* holdfast recover --resume/),
  });
  await writeFile(place.path('app', 'ready'), '');
  hooks.requests.splice(0);
  expect(await recover('--resume')).toMatchObject({ status: exitStatus.done });
  expect(told().map(({ title }) => title)).toEqual(['The recovery of shop goes on', 'The recovery of shop is done']);

  hooks.requests.splice(0);
  const restore = (...args: string[]): Promise<RunResult> =>
    hold(['restore', '-c', place.path('app', 'holdfast.yaml'), '--component', 'uploads', '--yes', ...args]);
  expect(await restore('--include', 'photo')).toMatchObject({ status: exitStatus.done });
  expect(await restore('--dry-run')).toMatchObject({ status: exitStatus.done });
  expect(await restore('--no-notify')).toMatchObject({ status: exitStatus.done });
  expect(hooks.requests).toEqual([]);
  expect(await restore()).toMatchObject({ status: exitStatus.done, stdout: containing('told: webhook, email') });
  expect(told()).toMatchObject([
    { component: 'uploads', title: 'The recovery of uploads begins', text: containing('by the last time on this machine') },
    { component: 'uploads', title: 'The recovery of uploads is done' },
  ]);
});

test('who does not answer delays nothing, is named, and is told later', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket));
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
  await loseAll(configuration({ more: `  - { name: pager, webhook: "http://127.0.0.1:${port}/" }` }));
  const { status, stdout, stderr } = await recover();
  expect({ status, stderr }).toMatchObject({ status: exitStatus.done, stderr: containing('not told: pager') });
  expect(stdout).toContain('told: webhook, email');
  // Each of its two messages is kept; the failing route is an alarm for the others.
  const { stdout: routes } = await hold(['notify', 'list', '-c', place.path('app', 'holdfast.yaml'), '--json']);
  expect(routes).toMatch(/"pager".*"waiting":2/);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});
