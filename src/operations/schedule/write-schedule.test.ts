/** Judged by the tools that would run it: systemd, cron, Docker Compose, Kubernetes' schema, an XML schema of Windows tasks. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { validateObject } from '../../../test/harness/programs/kubernetes-models.ts';
import type { Configuration } from '../../config/configuration.ts';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { isError } from '../../errors.ts';
import { nextDue } from '../../policy/schedule.ts';
import { calendarOf } from './as-systemd.ts';
import { readCron } from './cron-fields.ts';
import { planOuterSchedule, slugOf } from './outer-schedule.ts';
import { installSchedule, removeSchedule, writeSchedule, type ScheduleForm, type ScheduleOrder } from './write-schedule.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const work = await mkdtemp(join(tmpdir(), 'holdfast-schedule-'));
afterAll(() => rm(work, { recursive: true, force: true }));
const folder = join(work, "it's 100% mine");
await mkdir(folder);

/* Everything that is hard to write: quotes, percent signs, both kinds of days, steps that no calendar has, a delay. */
const text = `
application: shop & co
timezone: UTC
repositories:
  local: { url: ./backups, keep: { daily: 7 } }
  offsite: { url: 's3://b/p', keep: { daily: 30 }, password: { file: pw } }
components:
  database: { postgres: { service: db, database: shop }, schedule: { cron: 30 2 * * *, jitter: 15m } }
  uploads: { files: uploads, schedule: { cron: '0 3 13 * 5', catch-up: false } }
  sessions: { redis: redis://localhost, schedule: 7m }
  app: { code: ., schedule: '15 8-18 * 1,7 1-5' }
  config: { config: { files: [.env] }, schedule: on-change }
archives:
  monthly: { to: ./archives, schedule: 0 5 1 * *, keep: { monthly: 12 } }
maintenance: { check: weekly }
`;

function configure(written = text): Configuration {
  const parsed = parseConfiguration(written, { file: join(folder, 'holdfast.yaml'), environment: {} });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.configuration;
}

function orderOf(form: ScheduleForm, more: Partial<ScheduleOrder> = {}): ScheduleOrder {
  const program = { file: '/bin/true', args: ['an argument', '$HOME'] };
  return {
    configuration: configure(),
    form,
    program,
    image: 'holdfast:1',
    stateFolder: join(work, 'state'),
    now: new Date('2026-11-20T12:00:00Z'),
    ...more,
  };
}

function run(file: string, args: readonly string[], input?: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', ...(input === undefined ? {} : { input }) });
  return { status, said: `${error?.message ?? ''}${stdout}${stderr}` };
}

async function writeFiles(into: string, files: readonly { readonly name: string; readonly text: string }[]): Promise<string[]> {
  await mkdir(into, { recursive: true });
  for (const file of files) await writeFile(join(into, file.name), file.text);
  return files.map(({ name }) => join(into, name));
}

const context = (environment: Record<string, string | undefined> = process.env) => ({ environment, signal: new AbortController().signal });

test('every job is there, under a name of its own, with what the daemon would run', () => {
  const { jobs, slug, notes } = planOuterSchedule(configure());
  expect(new Set(jobs.map((job) => job.slug)).size).toBe(jobs.length);
  for (const name of [slug, ...jobs.map((job) => job.slug)]) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  const shared = ['--config', join(folder, 'holdfast.yaml'), '--quiet'];
  expect(jobs.map(({ title, words }) => [title, words.slice(0, -3)])).toEqual([
    ['backup of database', ['backup', 'database']],
    ['backup of uploads', ['backup', 'uploads']],
    ['backup of sessions', ['backup', 'sessions']],
    ['backup of app', ['backup', 'app']],
    ['backup of config', ['backup', 'config', '--skip-if-unchanged']],
    ['archive monthly', ['archive', 'monthly']],
    ['prune monthly', ['archive', 'monthly', '--prune']],
    ['prune of local', ['prune', '--repo', 'local', '--yes']],
    ['check of local', ['check', '--repo', 'local', '--read-data-subset', 'this-week/4']],
    ['prune of offsite', ['prune', '--repo', 'offsite', '--yes']],
    ['check of offsite', ['check', '--repo', 'offsite', '--read-data-subset', 'this-week/4']],
  ]);
  for (const { words } of jobs) expect(words.slice(-3)).toEqual(shared);
  expect(notes).toEqual([
    'backup of sessions: every 7m cannot be written, so it is every 6m',
    'backup of config: looks every 30m, and saves only what has changed',
  ]);
});

test('where somebody is to be told there is a look each hour, for what no run tells', () => {
  const { jobs } = planOuterSchedule(configure(`${text}notify: [{ email: ops@example.org }]\n`));
  expect(jobs.at(-1)).toMatchObject({ id: 'status', words: ['status', '--config', join(folder, 'holdfast.yaml'), '--quiet'] });
  expect(jobs.filter(({ kind }) => kind === 'status')).toHaveLength(1);
});

test('names that were made shorter stay apart', () => {
  const names = ['a'.repeat(50), `${'a'.repeat(50)}b`, 'ä', 'ö', 'a b', 'a-b'].map((name) => slugOf(name, 20));
  expect(new Set(names).size).toBe(6);
  expect(names.filter((name) => name.length > 20)).toEqual([]);
});

describe('systemd', () => {
  test('verifies the units, and they say what they are to', async () => {
    const files = await writeFiles(join(work, 'units'), writeSchedule(orderOf('systemd')).files);
    expect(files).toHaveLength(22);
    const { status, said } = run('systemd-analyze', ['verify', '--man=no', ...files]);
    /* Units of others on this machine may be complained about. */
    expect(said.split('\n').filter((line) => line.includes('holdfast-'))).toEqual([]);
    expect(status).toBe(0);
    const service = await readFile(files[0] ?? '', 'utf8');
    expect(service).toContain(
      `ExecStart=/bin/true "an argument" "$$HOME" backup database --config "${folder.replace('%', '%%')}/holdfast.yaml" --quiet`,
    );
    const timer = await readFile(files[1] ?? '', 'utf8');
    expect(timer).toMatch(/OnCalendar=\*-\*-\* 02:30:00 UTC\nPersistent=true\nRandomizedDelaySec=900\nFixedRandomDelay=true\n/);
    expect(await readFile(files[3] ?? '', 'utf8')).toContain('Persistent=false');
  });

  test('finds a defect where there is one', async () => {
    const [service, timer] = writeSchedule(orderOf('systemd')).files;
    if (service === undefined || timer === undefined) throw new Error('a job has two units');
    const broken = { ...timer, text: timer.text.replace('02:30:00', '26:30:00') };
    const files = await writeFiles(join(work, 'broken'), [service, broken]);
    expect(run('systemd-analyze', ['verify', '--man=no', ...files]).said).toMatch(/holdfast-.*26:30/);
  });

  test.each(['30 2 * * *', '0 3 * * 0', '*/20 8-9 1,15 * *', '0 3 13 * 5', '59 23 31 12 *', '0 0 1 */3 *', '5 4 * 2-3 mon-fri'])(
    'means by its calendar what %s means',
    (cron) => {
      const from = new Date('2026-01-31T22:00:00Z');
      const expected: Date[] = [];
      for (
        let due = nextDue({ cron, timezone: 'UTC' }, from);
        due !== undefined && expected.length < 6;
        due = nextDue({ cron, timezone: 'UTC' }, due)
      )
        expected.push(due);
      const found = calendarOf(readCron(cron), 'UTC').flatMap((calendar) => {
        const { status, said } = run('systemd-analyze', ['calendar', '--iterations=40', '--base-time=2026-01-31 22:00:00 UTC', calendar]);
        expect(status, said).toBe(0);
        return [...said.matchAll(/(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g)].map(
          ([, date, time]) => new Date(`${date ?? ''}T${time ?? ''}Z`),
        );
      });
      const later = [...new Set(found.map(Number))].filter((time) => time > from.getTime()).toSorted((a, b) => a - b);
      expect(later.slice(0, 6).map((time) => new Date(time))).toEqual(expected);
    },
  );

  test('takes the units into a system, renews them, and is rid of them again', async () => {
    const root = join(work, 'root');
    await mkdir(join(root, 'etc', 'systemd', 'system'), { recursive: true });
    await writeFile(join(root, 'etc', 'systemd', 'system', 'other.service'), '[Service]\nExecStart=/bin/true\n');
    const units = join(root, 'etc', 'systemd', 'system');
    const installed = await installSchedule(orderOf('systemd', { root }), context());
    expect(installed).toMatchObject({ form: 'systemd', jobs: 11 });
    expect((await readdir(join(units, 'timers.target.wants'))).length).toBe(11);
    const less = configure(text.replace(/ {2}sessions: .*\n/, ''));
    await installSchedule(orderOf('systemd', { root, configuration: less }), context());
    expect((await readdir(units)).filter((name) => name.includes('sessions'))).toEqual([]);
    expect((await readdir(join(units, 'timers.target.wants'))).length).toBe(10);
    expect(await removeSchedule(orderOf('systemd', { root }), context())).toBe(true);
    expect((await readdir(units)).filter((name) => name.startsWith('holdfast'))).toEqual([]);
    expect(await readdir(units)).toContain('other.service');
    expect(await removeSchedule(orderOf('systemd', { root }), context())).toBe(false);
  });
});

describe('cron', () => {
  test('takes the lines', async () => {
    const [file] = await writeFiles(work, writeSchedule(orderOf('crontab')).files);
    expect(run('crontab', ['-n', file ?? ''])).toMatchObject({ status: 0 });
    const lines = (await readFile(file ?? '', 'utf8')).split('\n');
    expect(lines.filter((line) => line.length > 998)).toEqual([]);
    await writeFile(join(work, 'broken.crontab'), lines.map((line) => line.replace(/^30 2/, '61 2')).join('\n'));
    expect(run('crontab', ['-n', join(work, 'broken.crontab')]).status).not.toBe(0);
  });

  test('a line runs what it is to run: in the folder of the configuration, with what says who asked, once at a time', async () => {
    const program = join(work, 'program');
    await writeFile(program, '#!/bin/sh\nprintf "%s|" "$PWD" "$HOLDFAST_TRIGGER" "$HOLDFAST_JOB" "$@"\n');
    await chmod(program, 0o755);
    await mkdir(join(work, 'state', 'schedule'), { recursive: true });
    const order = orderOf('crontab', { program: { file: program, args: ["it's", '100%'] } });
    const [file] = writeSchedule(order).files;
    const line =
      file?.text
        .split('\n')
        .find((each) => each.includes('backup:0_3_13_*_5'))
        ?.replaceAll(String.raw`\%`, '%') ?? '';
    const command = line.split(' ').slice(5).join(' ');
    const { said } = run('sh', ['-c', command]);
    const job = 'backup:0_3_13_*_5@UTC@no-catch-up';
    expect(said).toBe(
      [folder, 'schedule', job, "it's", '100%', 'backup', 'uploads', '--config', join(folder, 'holdfast.yaml'), '--quiet', ''].join('|'),
    );
    const lock = /flock -n (\S+)/.exec(command)?.[1] ?? '';
    expect(run('flock', [lock, 'sh', '-c', command])).toMatchObject({ status: 1, said: '' });
  });

  test.runIf(userInfo().uid === 0)("takes and gives back its part of somebody's crontab", async () => {
    const user = `holdfast-cron-${process.pid}`;
    expect(run('useradd', ['--no-create-home', user])).toMatchObject({ status: 0 });
    try {
      const bin = join(work, 'bin');
      await mkdir(bin);
      await writeFile(join(bin, 'crontab'), `#!/bin/sh\nexec /usr/bin/crontab -u ${user} "$@"\n`);
      await chmod(join(bin, 'crontab'), 0o755);
      const as = context({ ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` });
      const list = (): string => run('crontab', ['-u', user, '-l']).said;
      await installSchedule(orderOf('crontab'), as);
      expect(list()).toContain('# begin holdfast-shop-co');
      expect(existsSync(join(work, 'state', 'schedule'))).toBe(true);
      expect(await removeSchedule(orderOf('crontab'), as)).toBe(true);
      expect(list()).toMatch(/no crontab for/);
      const own = '# mine\nMAILTO=me@example.org\n5 5 * * * /bin/true\n';
      run('crontab', ['-u', user, '-'], own);
      await installSchedule(orderOf('crontab'), as);
      await installSchedule(orderOf('crontab'), as);
      expect(list().match(/# begin/g)).toHaveLength(1);
      expect(list().startsWith(own)).toBe(true);
      expect(await removeSchedule(orderOf('crontab'), as)).toBe(true);
      expect(list()).toBe(own);
      expect(await removeSchedule(orderOf('crontab'), as)).toBe(false);
      await installSchedule(orderOf('crontab'), as);
      run('crontab', ['-u', user, '-'], list().replace(/# end .*\n/, ''));
      const torn: unknown = await installSchedule(orderOf('crontab'), as).catch((error: unknown) => error);
      expect(isError(torn, 'schedule-form')).toBe(true);
    } finally {
      run('crontab', ['-u', user, '-r']);
      run('userdel', [user]);
    }
  });

  test('is not given hours of another time zone', () => {
    const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone === 'Asia/Tokyo' ? 'America/Lima' : 'Asia/Tokyo';
    const configuration = configure(text.replace('timezone: UTC', `timezone: ${zone}`));
    expect(() => writeSchedule(orderOf('crontab', { configuration }))).toThrow(/is due by the hours of/);
  });
});

describe('Windows', () => {
  const schema = resolve('test/fixtures/windows/task.xsd');

  test('takes the tasks', async () => {
    const { files } = writeSchedule(orderOf('windows'));
    const tasks = await writeFiles(
      join(work, 'tasks'),
      files.filter(({ name }) => name.endsWith('.xml')),
    );
    expect(tasks).toHaveLength(11);
    expect(run('xmllint', ['--noout', '--schema', schema, ...tasks])).toMatchObject({ status: 0 });
    const script = files.find(({ name }) => name === 'register-tasks.ps1')?.text ?? '';
    for (const task of tasks) expect(script).toContain(task.split('/').at(-1) ?? '?');
  });

  test('would not take others', async () => {
    const task = writeSchedule(orderOf('windows')).files[0]?.text ?? '';
    const [broken] = await writeFiles(work, [
      { name: 'broken.xml', text: task.replace('ScheduleByDay', 'ScheduleByDays').replace('/ScheduleByDay', '/ScheduleByDays') },
    ]);
    expect(run('xmllint', ['--noout', '--schema', schema, broken ?? '']).status).not.toBe(0);
  });

  test('even steps are one trigger, uneven times one each, both kinds of days two', () => {
    const tasks = writeSchedule(orderOf('windows')).files.map((file) => file.text);
    const count = (part: string): number => (tasks.find((task) => task.includes(part))?.match(/<CalendarTrigger>/g) ?? []).length;
    expect(count('backup config')).toBe(1);
    expect(count('backup app')).toBe(11);
    expect(count('backup uploads')).toBe(2);
    const many = configure(text.replace('15 8-18 * 1,7 1-5', '*/10 8-18 * * *'));
    expect(() => writeSchedule(orderOf('windows', { configuration: many }))).toThrow(/more times of a day/);
  });
});

describe('what is in deploy/', () => {
  test('CronJobs are as they are printed for the configuration beside them', async () => {
    const file = resolve('deploy/kubernetes/holdfast.yaml');
    const parsed = parseConfiguration(await readFile(file, 'utf8'), { file: '/etc/holdfast/holdfast.yaml', environment: {} });
    if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
    const [printed] = writeSchedule(
      orderOf('kubernetes', { configuration: parsed.configuration, image: 'registry.example/holdfast:0.1.0' }),
    ).files;
    expect(await readFile('deploy/kubernetes/cronjobs.yaml', 'utf8')).toBe(printed?.text);
  });

  test('the service of the daemon is one', async () => {
    const service = (await readFile('deploy/systemd/holdfast@.service', 'utf8')).replace('/usr/local/bin/holdfast', '/bin/true');
    const [path] = await writeFiles(join(work, 'daemon'), [{ name: 'holdfast@shop.service', text: service }]);
    expect(
      run('systemd-analyze', ['verify', '--man=no', path ?? ''])
        .said.split('\n')
        .filter((line) => line.includes('holdfast')),
    ).toEqual([]);
  });
});

test('Compose takes the side-car', async () => {
  const [file] = writeSchedule(orderOf('compose')).files;
  const [path] = await writeFiles(join(work, 'compose'), [{ name: 'compose.yml', text: file?.text ?? '' }]);
  await writeFile(join(work, 'compose', 'holdfast-password'), 'secret');
  const { status, said } = run('docker-compose', ['-f', path ?? '', 'config']);
  expect(status, said).toBe(0);
  expect(said).toContain(join(folder, 'holdfast.yaml'));
  expect(said).toMatch(/target: \/var\/run\/docker.sock/);
});

test("Kubernetes' schema takes the CronJobs", async () => {
  const [file] = writeSchedule(orderOf('kubernetes')).files;
  const objects = parseAllDocuments(file?.text ?? '').map(
    (document) => document.toJS() as { apiVersion: string; kind: string; metadata: { name: string } },
  );
  expect(objects.map(({ kind }) => kind)).toEqual(['PersistentVolumeClaim', ...Array.from({ length: 11 }, () => 'CronJob')]);
  for (const object of objects) {
    await validateObject(object);
    expect(object.metadata.name.length).toBeLessThanOrEqual(52);
  }
  expect(new Set(objects.map(({ metadata }) => metadata.name)).size).toBe(12);
  await expect(validateObject({ apiVersion: 'batch/v1', kind: 'CronJob' })).rejects.toThrow(/spec/);
  expect(file?.text).toContain('concurrencyPolicy: Forbid');
});
