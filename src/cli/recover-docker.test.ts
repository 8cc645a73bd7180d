import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDocker, type TestDocker } from '../../test/harness/docker/docker.ts';
import { watchArguments } from '../../test/harness/programs/watch-arguments.ts';
import { exitStatus } from '../errors.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const application = place.path('timesheet');
const secret = 'a-password-that-nobody-sees';
let engine: TestDocker;

/** The Northstar example with ports of its own, and beside it what that does not have: volumes by pattern, services that stop, hooks inside. */
const configuration = `
application: timesheet
repositories: { local: ../backups }
quiesce: web
components:
  uploads:  { files: { volume: uploads } }
  database:
    postgres: { service: db, database: timesheet_db, user: timesheet }
    hooks: { before: [{ service: db, run: 'test -e /tmp/labelled && test "$HOLDFAST_COMPONENT" = database && echo "$HOLDFAST_HOOK" > /tmp/hooked' }] }
  people:   { volumes: { names: 'person-*', stop: true } }
  logs:     { logs: { services: [web], days: 1 } }
  config:   { config: { files: [.env, docker-compose.yml, db, app] } }
recovery:
  quiesce: [web]
  after: [{ service: web, run: python3 app.py migrate }]
  health: { url: 'http://127.0.0.1:25971/health', within: 1m }
  smoke:
    - { sql: "select count(*) > 0 from timesheets" }
    - { http: 'http://127.0.0.1:25971/', contains: Timesheets }
`;

const run = (args: string[], cwd = application): Promise<RunResult> =>
  runHoldfast(args, { cwd, env: { ...engine.environment, HOLDFAST_STATE: place.path('state') } });

const sql = async (statement: string): Promise<string> =>
  (await engine.compose(application, ['exec', '-T', 'db', 'psql', '-U', 'timesheet', '-d', 'timesheet_db', '-Atc', statement])).trim();

const stateOf = async (service: string, form = '{{.State}}'): Promise<string> =>
  (
    await engine.docker([
      'ps',
      '-a',
      '--filter',
      `label=com.docker.compose.service=${service}`,
      '--filter',
      'label=com.docker.compose.project=timesheet',
      '--format',
      form,
    ])
  ).trim();

beforeAll(async () => {
  engine = await startDocker();
  await cp(new URL('../../examples/northstar-timesheet', import.meta.url), application, { recursive: true });
  const env = await readFile(join(application, '.env'), 'utf8');
  await writeFile(
    join(application, '.env'),
    env
      .replace(/^DB_PORT=.*/m, 'DB_PORT=25972')
      .replace(/^WEB_PORT=.*/m, 'WEB_PORT=25971')
      .replace(/^POSTGRES_PASSWORD=.*/m, `POSTGRES_PASSWORD=${secret}`),
  );
  await writeFile(join(application, 'holdfast.yaml'), configuration);
  const compose = await readFile(join(application, 'docker-compose.yml'), 'utf8');
  const labels =
    "    labels: { docker-volume-backup.archive-pre: 'touch /tmp/labelled', docker-volume-backup.archive-post: 'rm /tmp/labelled' }";
  await writeFile(join(application, 'docker-compose.yml'), compose.replace('  db:\n', `  db:\n${labels}\n`));
  await engine.compose(application, ['up', '-d']);
  for (const person of ['person-alice', 'person-bob'])
    await writeFile(join(await engine.volume(person, { team: 'blue ocean' }), 'notes'), person);
  while (!(await stateOf('db', '{{.Status}}')).includes('(healthy)')) await sleep(200);
  await engine.compose(application, ['exec', '-T', 'web', 'python3', 'app.py', 'migrate']);
  await engine.compose(application, ['exec', '-T', 'web', 'python3', 'seed.py']);
}, 180_000);

afterAll(async () => {
  await engine?.stop();
  await place.remove();
});

describe('an application in containers', () => {
  test('is saved while its services stand still, and they run again', { timeout: 120_000 }, async () => {
    const user = await engine.run({ volumes: ['person-alice:/home/alice'] });
    const startedAt = async (): Promise<string> =>
      (await engine.docker(['inspect', '-f', '{{.State.StartedAt}} {{.State.Running}}', user])).trim();
    const before = await startedAt();
    const watch = watchArguments([secret]);
    const { status, stdout, stderr } = await run(['backup', '--json']);
    expect({ status, seen: await watch.stop() }, `${stdout}${stderr}`).toEqual({ status: exitStatus.done, seen: [] });
    expect(`${stdout}${stderr}`).not.toContain(secret);
    expect(await stateOf('web')).toBe('running');
    expect(await startedAt()).toMatch(/ true$/);
    expect(await startedAt()).not.toBe(before);
    await engine.docker(['rm', '-f', user]);
    expect(await engine.compose(application, ['exec', '-T', 'db', 'cat', '/tmp/hooked'])).toBe('before\n');
    const [shown] = parseLines((await run(['show', 'latest', '--json'])).stdout);
    expect(shown).toMatchObject({ status: 'complete', components: ['database', 'uploads', 'people', 'logs', 'config', 'point'] });
  });

  test('gets one volume back, or into another one', { timeout: 120_000 }, async () => {
    const folder = (await engine.docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', 'person-bob'])).trim();
    await rm(join(folder, 'notes'));
    const { status, stdout, stderr } = await run(['restore', '--component', 'people', '--volume', 'person-bob', '--yes']);
    expect({ status, stdout }, stderr).toEqual({ status: exitStatus.done, stdout: containing('stopped meanwhile: web') });
    expect(await readFile(join(folder, 'notes'), 'utf8')).toBe('person-bob');
    const into = await run(['restore', '--component', 'people', '--volume', 'person-alice', '--into', 'person-carol', '--yes']);
    expect(into.status).toBe(exitStatus.done);
    const carol = (await engine.docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', 'person-carol'])).trim();
    expect(await readFile(join(carol, 'notes'), 'utf8')).toBe('person-alice');
    await engine.docker(['volume', 'rm', 'person-carol']);
  });

  test('comes back when everything is gone', { timeout: 240_000 }, async () => {
    const rows = await sql('select count(*) from timesheets');
    expect(Number(rows)).toBeGreaterThan(0);
    await engine.compose(application, ['down', '-v']);
    await engine.docker(['volume', 'rm', 'person-alice', 'person-bob']);
    await rm(application, { recursive: true });
    const watch = watchArguments([secret]);
    const { status, stdout, stderr } = await run(['recover', '-r', place.path('backups'), '--yes'], place.folder);
    expect({ status, seen: await watch.stop() }, `${stdout}${stderr}`).toEqual({ status: exitStatus.done, seen: [] });
    expect(`${stdout}${stderr}`).not.toContain(secret);
    expect(await sql('select count(*) from timesheets')).toBe(rows);
    const folder = (await engine.docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', 'person-bob'])).trim();
    expect(await readFile(join(folder, 'notes'), 'utf8')).toBe('person-bob');
    expect((await engine.docker(['volume', 'inspect', '--format', '{{.Labels.team}}', 'person-bob'])).trim()).toBe('blue ocean');
    expect(await stateOf('web')).toBe('running');
    await engine.docker(['volume', 'rm', '-f', 'person-alice', 'person-bob']).catch(() => '');
  });
});
