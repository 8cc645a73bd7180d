/** What is around a backup: who is told, what runs it, secrets; all of it real. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer as createSecureServer } from 'node:https';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { containing, matching } from '../../test/harness/programs/expected-text.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { makeCertificate } from '../../test/harness/watch/make-certificate.ts';
import { startSmtpServer } from '../../test/harness/watch/smtp-server.ts';
import { exitStatus } from '../errors.ts';
import { knownChecks } from '../operations/doctor/list-of-checks.ts';
import { configure, makeDoctorPlace, portOf, runDoctor, startSilentServer } from './testing/run-doctor.ts';
import { mainFile, parseLines, runHoldfast } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const isRoot = process.getuid?.() === 0;
const { place, certificates } = await makeDoctorPlace();
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});
afterAll(() => place.remove());

test('the list of checks is printed, each once', async () => {
  const { status, stdout } = await runHoldfast(['doctor', '--list', '--json']);
  expect(status).toBe(exitStatus.done);
  const names = parseLines(stdout).map(({ name }) => name);
  expect(names).toEqual(knownChecks.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});

describe('who is told', () => {
  test('nobody: a warning, with the lines for the configuration', async () => {
    await configure(place, '');
    const { status, checks } = await runDoctor(place, ['--only', 'notify']);
    expect(status).toBe(exitStatus.done);
    expect([...checks.values()]).toMatchObject([{ name: 'notify: routes', status: 'warning', do: containing('\nnotify:\n') }]);
  });

  test('a mail server is greeted and logged in to, and gets no mail; a wrong password is told', async () => {
    const { certificate, key, authority } = makeCertificate(certificates);
    const server = await startSmtpServer({ certificate, key, user: 'holdfast', password: 'hush-hush' });
    endings.push(() => server.stop());
    const mail = (name: string): string =>
      `{ name: ${name}, email: { to: ops@example.org, server: "smtp://127.0.0.1:${server.port}", user: holdfast, password: { env: ${name.toUpperCase()} }, tls: required, authority: ${authority} } }`;
    await configure(place, `notify: [${mail('right')}, ${mail('wrong')}]`);
    const { status, checks } = await runDoctor(place, ['--only', 'notify'], { env: { RIGHT: 'hush-hush', WRONG: 'hush' } });
    expect(status).toBe(exitStatus.failed);
    expect(checks.get('notifier right: reachable')).toMatchObject({ status: 'ok', what: containing('takes mail from holdfast') });
    expect(checks.get('notifier wrong: reachable')).toMatchObject({
      status: 'failed',
      what: containing('535'),
      do: containing('\nholdfast notify test wrong'),
    });
    expect(server.mails).toEqual([]);
  });

  test('a hook is connected to and not called; its certificate must be trusted; one that hangs is given up', async () => {
    const { certificate, key, authority } = makeCertificate(certificates);
    let calls = 0;
    const hook = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) => {
      calls += 1;
      response.end();
    });
    await once(hook.listen(0, '127.0.0.1'), 'listening');
    endings.push(() => hook.close());
    const silent = await startSilentServer();
    endings.push(() => silent.stop());
    await configure(
      place,
      `notify:\n  - { name: hook, webhook: "https://127.0.0.1:${portOf(hook)}/hush" }\n  - { name: gone, slack: "http://127.0.0.1:1/hush" }\n  - { name: silent, healthcheck: "https://127.0.0.1:${silent.port}/hush" }`,
    );
    const trusted = await runDoctor(place, ['--only', 'hook', '--only', 'gone'], { env: { NODE_EXTRA_CA_CERTS: authority } });
    expect(trusted.checks.get('notifier hook: reachable')).toMatchObject({ status: 'ok', what: containing('nothing was sent') });
    expect(trusted.checks.get('notifier hook: certificate')).toMatchObject({ status: 'warning', what: containing('it runs out in') });
    expect(trusted.checks.get('notifier gone: reachable')).toMatchObject({ status: 'failed', what: containing('ECONNREFUSED') });
    const distrusted = await runDoctor(place, ['--only', 'notify', '--within', '2s']);
    expect(distrusted.status).toBe(exitStatus.failed);
    expect(distrusted.checks.get('notifier hook: reachable')).toMatchObject({ status: 'failed', what: containing('certificate') });
    expect(distrusted.checks.get('notifier silent: look')).toMatchObject({ status: 'failed', what: 'no answer within 2 s' });
    expect(calls).toBe(0);
  });
});

describe('what runs the schedule', () => {
  const scheduled = 'components: { uploads: { files: ./uploads, schedule: 0 3 * * * } }';

  test('nothing at all: a warning with both ways; and no schedule is one too', async () => {
    await configure(place, scheduled);
    const { status, checks } = await runDoctor(place, ['--only', 'schedule'], { env: { PATH: '/nonexistent' } });
    expect(status).toBe(exitStatus.done);
    expect(checks.get('schedule: runs')).toMatchObject({
      status: 'warning',
      do: matching(/\nholdfast schedule install --config \S+\nholdfast serve --config \S+$/),
    });
    await configure(place, '');
    expect((await runDoctor(place, ['--only', 'schedule'])).checks.get('schedule: backups')).toMatchObject({ status: 'warning' });
  });

  test.runIf(isRoot)('a crontab: without cron it is idle; lines of an older configuration are told; then it is well', async () => {
    const user = `holdfast-doc-${process.pid}`;
    expect(spawnSync('useradd', ['--no-create-home', user]).status).toBe(0);
    endings.push(() => {
      spawnSync('crontab', ['-u', user, '-r']);
      spawnSync('userdel', [user]);
    });
    const bin = place.path('bin');
    await mkdir(bin);
    await writeFile(join(bin, 'crontab'), `#!/bin/sh\nexec /usr/bin/crontab -u ${user} "$@"\n`);
    await chmod(join(bin, 'crontab'), 0o755);
    // A program of that name is all that can be seen of cron.
    await copyFile('/bin/sleep', join(bin, 'crond'));
    const env = { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, HOLDFAST_STATE: place.path('state-of-cron') };
    await configure(place, scheduled);
    const install = ['schedule', 'install', '--as', 'crontab', '--program', '/opt/holdfast'];
    expect((await runHoldfast(install, { cwd: place.folder, env })).status).toBe(exitStatus.done);
    const cron: ChildProcess = spawn(join(bin, 'crond'), ['600'], { stdio: 'ignore' });
    endings.push(() => cron.kill('SIGKILL'));
    const well = await runDoctor(place, ['--only', 'schedule'], { env });
    expect(well.checks.get('schedule: runs')).toMatchObject({ status: 'ok', what: containing('the crontab of this user') });
    expect(well.checks.get('schedule: cron')).toMatchObject({ status: 'ok' });
    expect(well.checks.get('schedule: backup:0_3_*_*_*')).toMatchObject({ status: 'ok', what: containing('it has not run yet') });
    await configure(place, scheduled.replace('0 3', '0 4'));
    expect((await runDoctor(place, ['--only', 'schedule'], { env })).checks.get('schedule: cron')).toMatchObject({
      status: 'failed',
      what: containing('backup of uploads'),
      do: containing('holdfast schedule install'),
    });
    cron.kill('SIGKILL');
    await once(cron, 'exit');
    if (spawnSync('pgrep', ['-x', 'cron|crond']).status === 0) return;
    expect((await runDoctor(place, ['--only', 'schedule'], { env })).checks.get('schedule: cron')).toMatchObject({
      status: 'failed',
      do: containing('systemctl enable --now cron'),
    });
  });

  test.runIf(isRoot && !existsSync('/run/systemd/system'))('timers of systemd, where that does not run', async () => {
    const name = `doctor-test-${process.pid}`;
    const text = `application: ${name}\nrepositories: { local: { url: ./backups } }\n${scheduled}\n`;
    await writeFile(place.path('holdfast.yaml'), text);
    const change = (what: string) => runHoldfast(['schedule', what, '--as', 'systemd'], { cwd: place.folder, env: { HOME: place.folder } });
    endings.push(() => change('remove'));
    expect((await change('install')).status).toBe(exitStatus.done);
    const { status, checks } = await runDoctor(place, ['--only', 'schedule']);
    expect(status).toBe(exitStatus.failed);
    expect(checks.get('schedule: runs')).toMatchObject({ status: 'ok', what: 'timers of systemd make it happen' });
    expect(checks.get('schedule: systemd')).toMatchObject({ status: 'failed', do: containing('holdfast schedule install --as crontab') });
  });

  test('the daemon; and a job that failed is told with why', async () => {
    await configure(place, scheduled);
    const env = { HOLDFAST_STATE: place.path('state-of-daemon'), HOLDFAST_PASSWORD: password };
    await runHoldfast(['backup', 'uploads'], {
      cwd: place.folder,
      env: { ...env, HOLDFAST_PASSWORD: 'something-else', HOLDFAST_TRIGGER: 'schedule', HOLDFAST_JOB: 'backup:0_3_*_*_*' },
    });
    const daemon = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', mainFile, 'serve', '--listen', '127.0.0.1:0'], {
      cwd: place.folder,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    endings.push(() => daemon.kill('SIGKILL'));
    await vi.waitFor(
      async () =>
        expect((await runDoctor(place, ['--only', 'schedule'], { env })).checks.get('schedule: runs')).toMatchObject({
          status: 'ok',
          what: matching(/^the daemon \(.* process \d+\) makes it happen$/),
        }),
      { timeout: 90_000, interval: 500 },
    );
    const { status, checks } = await runDoctor(place, ['--only', 'schedule'], { env });
    expect(status).toBe(exitStatus.failed);
    expect(checks.get('schedule: backup:0_3_*_*_*')).toMatchObject({ status: 'failed', what: containing('no key there opens') });
  });
});

test('secrets that everybody may read, or that are not there, are told; none is shown', async () => {
  await writeFile(place.path('open-secret'), 'hush-hush', { mode: 0o644 });
  await writeFile(place.path('closed-secret'), 'hush-hush', { mode: 0o600 });
  await chmod(place.path('open-secret'), 0o644);
  await configure(
    place,
    'components: { database: { postgres: "postgresql://127.0.0.1:1/app" } }\nserve: { tokens: [{ name: a, role: viewer, token: { file: open-secret } }, { name: b, role: viewer, token: { file: closed-secret } }, { name: c, role: viewer, token: { env: NOT_SET } }] }\nnotify: [{ slack: "http://127.0.0.1:1/hush" }]',
  );
  await chmod(place.path('holdfast.yaml'), 0o644);
  await writeFile(place.path('pgpass'), '*:*:*:*:hush-hush');
  await chmod(place.path('pgpass'), 0o640);
  const { status, checks } = await runDoctor(place, ['--only', 'configuration'], { env: { PGPASSFILE: place.path('pgpass') } });
  expect(status).toBe(exitStatus.failed);
  expect(checks.get('configuration: mode')).toMatchObject({ status: 'warning', do: containing('\nchmod 600 ') });
  expect(checks.get(`configuration: secret ${place.path('open-secret')}`)).toMatchObject({
    status: 'warning',
    do: containing('\nchmod 600 '),
  });
  expect(checks.get(`configuration: secret ${place.path('closed-secret')}`)).toMatchObject({ status: 'ok' });
  expect(checks.get(`configuration: secret ${place.path('pgpass')}`)).toMatchObject({
    status: 'warning',
    what: containing('pass over it'),
  });
  expect(checks.get('configuration: secret $NOT_SET')).toMatchObject({ status: 'failed', do: containing('NOT_SET=') });
});
