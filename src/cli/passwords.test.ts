import { readdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitStatus } from '../errors.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, password, runHoldfast, runRestic, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const repository = place.path('repository');
const list = (env: Record<string, string>, ...args: string[]): Promise<RunResult> =>
  runHoldfast(['list', ...args], { env: { HOLDFAST_PASSWORD: '', ...env } });

beforeAll(async () => {
  await runHoldfast(['repo', 'init', '-r', repository]);
  await writeFile(place.path('password'), `${password}\n`);
  await writeFile(place.path('address'), `${repository}\n`);
});

afterAll(() => place.remove());

describe('the repository and its password are found', () => {
  test.each([
    ["in holdfast's variables", { HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD: password }],
    ['in files that they name', { HOLDFAST_REPOSITORY_FILE: place.path('address'), HOLDFAST_PASSWORD_FILE: place.path('password') }],
    ['in the output of a program', { HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD_COMMAND: `cat '${place.path('password')}'` }],
    ["in restic's variables", { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: password }],
    ['in files that those name', { RESTIC_REPOSITORY_FILE: place.path('address'), RESTIC_PASSWORD_FILE: place.path('password') }],
    [
      "in holdfast's before restic's",
      { HOLDFAST_REPOSITORY: repository, RESTIC_REPOSITORY: '/nowhere', HOLDFAST_PASSWORD: password, RESTIC_PASSWORD: 'wrong' },
    ],
  ])('%s', async (_, env) => {
    expect(await list(env)).toMatchObject({ status: exitStatus.done, stdout: 'no points\n', stderr: '' });
  });

  test('in options before anything else', async () => {
    const wrong = { HOLDFAST_REPOSITORY: '/nowhere', HOLDFAST_PASSWORD: 'wrong' };
    expect((await list(wrong, '-r', repository, '-p', place.path('password'))).status).toBe(exitStatus.done);
    expect(
      (await list(wrong, '--repository-file', place.path('address'), '--password-command', `cat ${place.path('password')}`)).status,
    ).toBe(exitStatus.done);
  });
});

describe('what is missing or wrong', () => {
  test.each([
    ['no repository is named', {}, exitStatus.usage, 'Give -r URL'],
    [
      'there is no repository',
      { HOLDFAST_REPOSITORY: place.path('none'), HOLDFAST_PASSWORD: password },
      exitStatus.noRepository,
      'there is no repository there',
    ],
    [
      'there is none, and no password either',
      { HOLDFAST_REPOSITORY: place.path('none') },
      exitStatus.noRepository,
      'there is no repository there',
    ],
    [
      'the password is wrong',
      { HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD: 'wrong' },
      exitStatus.wrongPassword,
      'no key there opens with this password',
    ],
    ['there is no password and no terminal', { HOLDFAST_REPOSITORY: repository }, exitStatus.wrongPassword, 'no password was given'],
    [
      'the password file is not there',
      { HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD_FILE: place.path('none') },
      exitStatus.usage,
      'ENOENT',
    ],
    [
      'the password program fails',
      { HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD_COMMAND: `sh -c 'echo ${password}; exit 3'` },
      exitStatus.usage,
      'sh ended with status 3',
    ],
    [
      'there is no such program',
      { HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD_COMMAND: 'no-such-program' },
      exitStatus.usage,
      'no-such-program could not be started',
    ],
    [
      'two sources are named',
      { HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD_COMMAND: 'true', HOLDFAST_PASSWORD_FILE: 'x' },
      exitStatus.usage,
      'exclude each other',
    ],
    [
      'the address is of a kind that there is not',
      { HOLDFAST_REPOSITORY: 'b2:bucket:/app', HOLDFAST_PASSWORD: password },
      exitStatus.usage,
      'Backblaze is reached by its S3 address',
    ],
  ])('%s', async (_, env, status, text) => {
    const run = await list(env);
    expect(run.stderr).toContain(text);
    expect(run.stderr).not.toContain(password);
    expect(run).toMatchObject({ status, stdout: '' });
  });

  test('is an exit_error on stderr with --json, as in restic', async () => {
    const { stdout, stderr, status } = await list({ HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD: 'wrong' }, '--json');
    expect(status).toBe(exitStatus.wrongPassword);
    expect(stdout).toBe('');
    expect(parseLines(stderr)).toEqual([
      {
        message_type: 'exit_error',
        code: 12,
        error: 'password-wrong',
        message: `Cannot open ${repository}: no key there opens with this password.`,
        hint: containing('Check the password'),
      },
    ]);
  });
});

describe('keys', () => {
  const keys = async (): Promise<string[]> => (await readdir(place.path('repository/keys'))).sort();

  test('are added, listed and removed, and restic opens the repository with them', async () => {
    const env = { HOLDFAST_REPOSITORY: repository, HOLDFAST_NEW_PASSWORD: 'second' };
    const added = await runHoldfast(['key', 'add', '--user', 'ops', '--host', 'elsewhere', '--json'], { env });
    const id = String(parseLines(added.stdout)[0]?.['id']);
    expect((await runRestic(repository, ['snapshots'], { env: { RESTIC_PASSWORD: 'second' } })).status).toBe(0);
    const listed = parseLines((await runHoldfast(['key', 'list', '--json'], { env })).stdout);
    expect(listed).toHaveLength(2);
    expect(listed.find((key) => key['id'] === id)).toMatchObject({ userName: 'ops', hostName: 'elsewhere', current: false });
    const current = String(listed.find((key) => key['current'] === true)?.['id']);
    expect(await runHoldfast(['key', 'remove', current.slice(0, 8)], { env })).toMatchObject({
      status: exitStatus.failed,
      stderr: containing('Cannot remove key'),
    });
    expect((await runHoldfast(['key', 'remove', id.slice(0, 8)], { env })).status).toBe(exitStatus.done);
    expect(await keys()).toEqual([current]);
    expect((await list({ HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD: 'second' })).status).toBe(exitStatus.wrongPassword);
  });

  test('are replaced when a password changes', async () => {
    await writeFile(place.path('new'), 'changed');
    const [before] = await keys();
    expect((await runHoldfast(['key', 'passwd', '-r', repository, '--new-password-file', place.path('new')])).status).toBe(exitStatus.done);
    expect(await keys()).toHaveLength(1);
    expect(await keys()).not.toContain(before);
    expect((await list({ HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD: password })).status).toBe(exitStatus.wrongPassword);
    expect((await list({ HOLDFAST_REPOSITORY: repository, HOLDFAST_PASSWORD: 'changed' })).status).toBe(exitStatus.done);
  });
});

test('a repository is created once', async () => {
  const other = place.path('other');
  const made = await runHoldfast(['repo', 'init', '-r', other, '--repository-version', '1', '--json']);
  expect(parseLines(made.stdout)).toMatchObject([{ message_type: 'initialized', repository: other, version: 1 }]);
  expect((await runRestic(other, ['snapshots'])).status).toBe(0);
  expect(await runHoldfast(['repo', 'init', '-r', other])).toMatchObject({
    status: exitStatus.failed,
    stderr: containing('there is one already'),
  });
});
