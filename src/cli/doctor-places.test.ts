/** Where backups go and what they are made of: repositories of all kinds of trouble, and files that cannot be read. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { SmallDisk } from '../../test/harness/disks/small-disk.ts';
import { anyOf, containing, matching } from '../../test/harness/programs/expected-text.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { createQuickRepository, openQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { startOwnRestServer } from '../../test/harness/stores/own-rest-server.ts';
import { makeCertificate } from '../../test/harness/watch/make-certificate.ts';
import { encodeLock } from '../engine/lock/lock-file.ts';
import { exitStatus } from '../errors.ts';
import { systemClock } from '../util/clock.ts';
import { configure, makeDoctorPlace, runDoctor, startSilentServer } from './testing/run-doctor.ts';
import { runHoldfast } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const isRoot = process.getuid?.() === 0;
const { place, repository, certificates } = await makeDoctorPlace();
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});
afterAll(() => place.remove());

describe('a repository', () => {
  test('with a lock that is held, one of a dead process, and a point from the future', async () => {
    await runHoldfast(['backup', '-r', repository, '--files', place.path('uploads'), '--time', '2099-01-01 00:00:00'], {
      env: { HOLDFAST_PASSWORD: password },
    });
    const open = await openQuickRepository(repository);
    const lock = { exclusive: false, hostname: hostname(), username: 'somebody', uid: 0, gid: 0 };
    // This process lives; the highest number is given to none.
    await open.writeFile('lock', encodeLock({ ...lock, time: systemClock.now().getTime(), pid: process.pid }));
    await open.writeFile('lock', encodeLock({ ...lock, time: systemClock.now().getTime(), pid: 4_194_304 }));
    await open.close();
    const { checks, stdout } = await runDoctor(place, ['-r', repository, '--only', repository]);
    expect(checks.get(`repository ${repository}: locks`)).toMatchObject({
      status: 'warning',
      what: matching(/process 4194304\).*its process is gone; one lock is held: .*its process lives$/),
      do: containing('\nholdfast unlock -r '),
    });
    expect(checks.get(`repository ${repository}: keys`)).toMatchObject({ status: 'ok', what: containing('it is the only one') });
    expect(checks.get(`repository ${repository}: future`), stdout).toMatchObject({
      status: 'warning',
      do: containing('\nholdfast forget '),
    });
    await runHoldfast(['unlock', '--remove-all', '-r', repository], { env: { HOLDFAST_PASSWORD: password } });
  });

  test.runIf(isRoot)('on a disk that is full, and one that belongs to somebody else', async () => {
    using disk = new SmallDisk(place.path('small'), 20);
    const path = join(disk.folder, 'backups');
    await createQuickRepository(path);
    expect((await runDoctor(place, ['-r', path, '--only', 'repositories'])).checks.get(`repository ${path}: space`)).toMatchObject({
      status: 'failed',
    });
    disk.fill();
    const full = await runDoctor(place, ['-r', path, '--only', 'repositories']);
    expect(full.status).toBe(exitStatus.failed);
    expect(full.checks.get(`repository ${path}: write`)).toMatchObject({ status: 'failed', what: anyOf(String) });
    spawnSync('chown', ['-R', 'nobody', repository]);
    const foreign = await runDoctor(place, ['-r', repository, '--only', 'repositories']);
    expect(foreign.checks.get(`repository ${repository}: owner`)).toMatchObject({ status: 'warning', do: containing('\nchown -R ') });
    spawnSync('chown', ['-R', 'root', repository]);
  });

  test('behind HTTPS: its certificate, its clock; deleting that is refused is told as what it is', async () => {
    const { certificate, key, authority } = makeCertificate(certificates);
    const server = await startOwnRestServer({
      folder: place.path('served'),
      appendOnly: true,
      tls: { certificate: readFileSync(certificate), key: readFileSync(key) },
    });
    endings.push(() => server.stop());
    const url = `rest:https://user:hush@127.0.0.1:${server.port}/app/`;
    const shown = `rest:https://127.0.0.1:${server.port}/app/`;
    const { status, checks } = await runDoctor(place, ['-r', url], { env: { RESTIC_CACERT: authority } });
    expect(status).toBe(exitStatus.done);
    expect(checks.get(`repository ${shown}: put`)).toMatchObject({ status: 'ok', what: containing('which took') });
    expect(checks.get(`repository ${shown}: delete`)).toMatchObject({ status: 'warning', what: containing('may not delete') });
    expect(
      (await runHoldfast(['repo', 'init', '-r', url], { env: { HOLDFAST_PASSWORD: password, RESTIC_CACERT: authority } })).status,
    ).toBe(0);
    const made = await runDoctor(place, ['-r', url], { env: { RESTIC_CACERT: authority } });
    expect(made.checks.get(`repository ${shown}: certificate`)).toMatchObject({ status: 'warning', what: containing('it runs out in') });
    expect(made.checks.get('host: clock')).toMatchObject({ status: 'ok', what: containing('the server of repository') });
  });

  test('that does not answer is given up, and the rest is told; the process does not wait for it', async () => {
    const silent = await startSilentServer();
    endings.push(() => silent.stop());
    const { status, checks } = await runDoctor(place, ['-r', `rest:http://127.0.0.1:${silent.port}/app/`, '--within', '2s']);
    expect(status).toBe(exitStatus.failed);
    expect(checks.get(`repository rest:http://127.0.0.1:${silent.port}/app/: look`)).toMatchObject({
      status: 'failed',
      what: 'no answer within 2 s',
    });
    expect(checks.get('host: state folder')).toMatchObject({ status: 'ok' });
  });
});

test.runIf(isRoot)('files that the user may not read are told, and those that are left out are not', async () => {
  const uploads = place.path('uploads');
  for (const name of ['secret', 'cache']) await writeFile(join(uploads, name), 'x', { mode: 0o600 });
  await chmod(place.folder, 0o755);
  await configure(place, 'components: { uploads: { files: { path: ./uploads, exclude: [cache] } } }');
  const { status, checks } = await runDoctor(place, ['--only', 'uploads'], { uid: 65_534, env: { HOLDFAST_STATE: '/nonexistent' } });
  expect(status).toBe(exitStatus.failed);
  expect(checks.get('uploads: readable')).toMatchObject({
    status: 'failed',
    what: matching(/^one of its files or folders cannot be read by nobody: \S+\/secret$/),
    do: containing('setfacl'),
  });
  expect((await runDoctor(place, ['--only', 'uploads'])).checks.get('uploads: readable')).toMatchObject({ status: 'ok' });
});
