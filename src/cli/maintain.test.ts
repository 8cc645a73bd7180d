import { hostname } from 'node:os';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lockRepository } from '../engine/lock/lock-repository.ts';
import { exitStatus } from '../errors.ts';
import { ignoreEvents } from '../events.ts';
import { openSession } from '../operations/open-session.ts';
import { containing, matching } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, password, runHoldfast, runRestic, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const repository = place.path('repository');
const run = (...args: string[]): Promise<RunResult> => runHoldfast([...args, '-r', repository]);
const snapshots = (): Promise<string[]> => readdir(place.path('repository/snapshots'));
const save = async (day: string, text: string): Promise<string> => {
  await writeFile(place.path('data'), text.repeat(100_000));
  return String(parseLines((await run('backup', '--files', place.path('data'), '--time', day, '--json')).stdout).at(-1)?.['snapshot_id']);
};
let ids: string[] = [];

beforeAll(async () => {
  for (const [day, text] of [
    ['2026-03-01', 'a'],
    ['2026-03-02', 'b'],
    ['2026-03-03', 'c'],
  ] as const)
    ids.push(await save(day, text));
});

afterAll(() => place.remove());

describe('prune', () => {
  test('shows its plan and does nothing in a dry run', async () => {
    const { status, stdout } = await run('prune', '--keep-last', '1', '--dry-run');
    expect(status).toBe(exitStatus.done);
    expect(stdout).toContain('1 point to keep, 2 points to remove');
    expect(stdout).toContain('nothing was done');
    expect(await snapshots()).toHaveLength(3);
  });

  test('refuses a policy that would keep nothing, and one that is none', async () => {
    expect(await run('prune', '--keep-tag', 'nobody-has-it')).toMatchObject({
      status: exitStatus.usage,
      stderr: containing('would keep none'),
    });
    expect(await run('prune', '--keep-last', 'some')).toMatchObject({
      status: exitStatus.usage,
      stderr: containing('--keep-last "some" is not a whole number'),
    });
    expect(await run('prune', '--keep-within', '3 weeks')).toMatchObject({ status: exitStatus.usage });
    expect(await run('forget')).toMatchObject({ status: exitStatus.usage });
    expect(await snapshots()).toHaveLength(3);
  });

  test('keeps what the policy says and frees what nobody needs, and restic agrees', async () => {
    const { status, stdout } = await run('prune', '--keep-last', '2', '--json', '--max-unused', '0');
    expect(status).toBe(exitStatus.done);
    const lines = parseLines(stdout).filter((line) => line['message_type'] !== 'status');
    expect(lines[0]).toMatchObject({
      message_type: 'forget',
      paths: [place.path('data')],
      components: ['files'],
      remove: [{ id: ids[0], components: ['files'], snapshots: [ids[0]] }],
    });
    expect(lines.at(-1)).toMatchObject({ message_type: 'summary', done: true, removed_snapshots: 1, removed_points: 1 });
    expect(Number(lines.at(-1)?.['freed_bytes'])).toBeGreaterThan(0);
    expect((await snapshots()).toSorted()).toEqual(ids.slice(1).toSorted());
    expect((await runRestic(repository, ['check', '--read-data'])).status).toBe(0);
  });
});

test('forget removes a point by its id, and the last of a component only by force', async () => {
  expect((await run('forget', String(ids[1]).slice(0, 8), '--prune')).status).toBe(exitStatus.done);
  expect(await snapshots()).toEqual([ids[2]]);
  expect(await run('forget', 'latest')).toMatchObject({
    status: exitStatus.failed,
    stderr: containing('it is the last one of the component "files"'),
  });
  expect(await snapshots()).toEqual([ids[2]]);
  expect((await run('forget', 'latest', '--force', '--prune')).status).toBe(exitStatus.done);
  expect(await snapshots()).toEqual([]);
  ids = [await save('2026-03-04', 'd')];
});

describe('check', () => {
  test('finds nothing in a sound repository', async () => {
    expect(await run('check', '--read-data')).toMatchObject({
      status: exitStatus.done,
      stdout: containing('no errors found'),
    });
    expect(parseLines((await run('check', '--json', '--read-data-subset', '1/1')).stdout).at(-1)).toMatchObject({
      message_type: 'summary',
      num_errors: 0,
      snapshots: 1,
    });
    expect(await run('check', '--read-data-subset', 'half')).toMatchObject({ status: exitStatus.usage });
  });

  test('fails where data is missing; the index can be made anew', async () => {
    const broken = place.path('broken');
    expect(
      (await runHoldfast(['copy', '-r', broken, '--from-repo', repository], { env: { HOLDFAST_FROM_PASSWORD: password } })).status,
    ).toBe(exitStatus.done);
    await rm(place.path('broken/index'), { recursive: true });
    const { status, stdout } = await runHoldfast(['check', '-r', broken]);
    expect(status).toBe(exitStatus.failed);
    expect(stdout).toMatch(/^error: /m);
    const inJson = await runHoldfast(['check', '-r', broken, '--json']);
    expect(parseLines(inJson.stderr)).toContainEqual({
      message_type: 'error',
      error: { message: containing('no index names it') },
      during: 'check',
      item: matching(/^tree blob [0-9a-f]{64}$/),
    });
    expect(parseLines(inJson.stdout).filter((line) => line['message_type'] !== 'status')).toMatchObject([{ message_type: 'summary' }]);
    const dry = await runHoldfast(['repo', 'repair-index', '-r', broken, '--dry-run', '--json']);
    const packs = (await readdir(place.path('broken/data'), { recursive: true })).filter((name) => name.length > 60).length;
    expect(parseLines(dry.stdout).at(-1)).toMatchObject({ dry_run: true, packs, packs_read: packs, packs_missing: 0, problems: 0 });
    expect((await runHoldfast(['check', '-r', broken])).status).toBe(exitStatus.failed);
    expect((await runHoldfast(['repo', 'repair-index', '-r', broken])).status).toBe(exitStatus.done);
    expect((await runHoldfast(['check', '-r', broken, '--read-data'])).status).toBe(exitStatus.done);
    expect((await runRestic(broken, ['check', '--read-data'])).status).toBe(0);
  });
});

describe('copy', () => {
  const to = place.path('copy');
  const env = { RESTIC_FROM_REPOSITORY: repository, HOLDFAST_FROM_PASSWORD: password, HOLDFAST_PASSWORD: 'another password' };

  test('lists in a dry run what it would copy, and makes nothing', async () => {
    const { status, stdout } = await runHoldfast(['copy', '-r', to, '--json', '--dry-run'], { env });
    expect(status).toBe(exitStatus.done);
    expect(parseLines(stdout)).toMatchObject([
      { message_type: 'action', action: 'copy', point: ids[0], snapshot: ids[0], component: 'files' },
      { message_type: 'summary', copied: [], to_copy: [ids[0]], present: [], dry_run: true },
    ]);
    expect(await readdir(place.folder)).not.toContain('copy');
  });

  test('creates the other repository and copies what is not there yet', async () => {
    const copied = await runHoldfast(['copy', '-r', to, '--json'], { env });
    expect(copied.status).toBe(exitStatus.done);
    expect(parseLines(copied.stdout).at(-1)).toMatchObject({ copied: [{ from: ids[0] }], present: [] });
    expect(parseLines((await runHoldfast(['copy', '-r', to, '--json'], { env })).stdout).at(-1)).toMatchObject({
      copied: [],
      present: [{ from: ids[0] }],
    });
    expect((await runHoldfast(['copy', '-r', to, '-n'], { env })).stdout).toContain('0 snapshots to copy, 1 there already');
    expect((await runRestic(to, ['check', '--read-data'], { env: { RESTIC_PASSWORD: 'another password' } })).status).toBe(0);
  });

  test('needs to know from where, and the password', async () => {
    expect(await runHoldfast(['copy', '-r', to])).toMatchObject({
      status: exitStatus.usage,
      stderr: containing('--from-repo'),
    });
    expect(await runHoldfast(['copy', '-r', to, '--from-repo', repository])).toMatchObject({
      status: exitStatus.wrongPassword,
      stderr: containing('Set HOLDFAST_FROM_PASSWORD, HOLDFAST_FROM_PASSWORD_FILE or HOLDFAST_FROM_PASSWORD_COMMAND.'),
    });
  });
});

describe('a lock', () => {
  let release: () => Promise<void>;

  beforeEach(async () => {
    const opened = await openSession({ url: repository, password: () => Promise.resolve(password) });
    const lock = await lockRepository(opened, { exclusive: true }, { events: ignoreEvents, signal: new AbortController().signal });
    release = () => lock.release();
    return release;
  });

  test('of somebody else is told: exit status 11', async () => {
    const { status, stderr } = await run('backup', '--files', place.path('data'));
    expect(status).toBe(exitStatus.locked);
    expect(stderr).toContain(`@${hostname()} (process ${process.pid}, exclusive)`);
    expect(stderr).toContain(`holdfast unlock -r ${repository}`);
    expect((await run('check', '--no-lock')).status).toBe(exitStatus.done);
    const unlocked = await run('prune', '--no-lock', '--yes');
    expect(unlocked).toMatchObject({ status: exitStatus.usage, stderr: containing('only read') });
  });

  test('is waited for when asked to', async () => {
    const waiting = runHoldfast(['check', '-r', repository, '--wait-lock', '1m'], { onStderr: () => void release() });
    expect(await waiting).toMatchObject({ status: exitStatus.done, stderr: containing('Waiting for it') });
  });

  test('of a living process is not removed by unlock, but by force it is', async () => {
    expect((await run('unlock')).stdout).toBe('no lock to remove\n');
    const dry = await run('unlock', '--remove-all', '--dry-run');
    expect(dry.stdout).toMatch(/^would remove the lock of .*\n1 lock to remove; nothing was done\n$/);
    expect(await readdir(place.path('repository/locks'))).toHaveLength(1);
    expect((await run('unlock', '--remove-all')).stdout).toContain('1 lock removed');
  });
});

test('repo info counts what is there', async () => {
  const [info] = parseLines((await run('repo', 'info', '--json')).stdout);
  expect(info).toMatchObject({ message_type: 'repository', repository, version: 2, snapshots: 1, keys: 1, locks: 0 });
});
