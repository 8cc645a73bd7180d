/** Records of runs: the history of the host, and the audit trail in the repository, as the command line writes them. */
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOnHost } from '../../test/chaos/foreign-host.ts';
import { anyOf, containing } from '../../test/harness/programs/expected-text.ts';
import { startOwnRestServer } from '../../test/harness/stores/own-rest-server.ts';
import { openCatalog } from '../catalog/catalog.ts';
import { cheapenKey } from '../engine/tree/testing/quick-restic.ts';
import { chainOf } from '../observe/audit/audit-place.ts';
import { createSignInNotes, noteCancelledRun } from '../operations/audit/sign-in-notes.ts';
import { systemClock } from '../util/clock.ts';
import { readObject, type JsonObject } from '../util/wire.ts';
import { makeWorkplace, parseLines, password, runHoldfast, type RunOptions, type RunResult } from './testing/run-holdfast.ts';

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const place = await makeWorkplace();
const data = place.path('data');
const secret = 'a-secret-of-the-address';

beforeAll(async () => {
  await mkdir(data);
  await writeFile(place.path('data', 'file'), 'content');
});
afterAll(() => place.remove());

/** A host of its own for a test: a state folder and a repository. */
function host(name: string) {
  const [state, repository] = [place.path(`state-${name}`), place.path(`repository-${name}`)];
  const run = (args: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
    runHoldfast(args, { cwd: place.folder, ...options, env: { HOLDFAST_STATE: state, HOLDFAST_FROM_PASSWORD: password, ...options.env } });
  const done = async (...args: string[]): Promise<RunResult> => {
    const result = await run(args);
    expect({ args, status: result.status, stderr: result.stderr }).toEqual({ args, status: 0, stderr: '' });
    return result;
  };
  return {
    state,
    repository,
    run,
    done,
    /** The key of the first one is made a cheap one. */
    backup: async () => {
      const isFirst = !existsSync(repository);
      await done('backup', '-q', '-r', repository, '--files', data);
      if (isFirst) await cheapenKey(`${repository}/keys`, password);
    },
    audit: async (...args: string[]): Promise<JsonObject[]> =>
      parseLines((await done('audit', '-r', repository, '--json', ...args)).stdout),
    history: async (...args: string[]): Promise<JsonObject[]> => parseLines((await done('history', '--json', ...args)).stdout),
  };
}

const events = (records: readonly JsonObject[]): string[] => records.map(({ event, phase }) => `${String(event)} ${String(phase)}`);
const matching = (record: object): unknown => expect.objectContaining(record);

test('who made, restored, read and deleted what is in the trail, with plans and results, and no secret', { timeout: 240_000 }, async () => {
  const { repository, backup, done, audit, history, run } = host('life');
  await backup();
  await writeFile(place.path('data', 'other'), 'more');
  await backup();
  const env = { SSH_CLIENT: '192.0.2.7 50000 22', SUDO_USER: 'alice', HOLDFAST_TRIGGER: 'schedule', HOLDFAST_JOB: 'test:a,test:b' };
  await run(['restore', 'latest', '-r', repository, '--target', place.path('target')], { env });
  await done('cat', '-r', repository, `latest:${data}/file`);
  await done('prune', '-r', repository, '--keep-last', '1', '--yes');
  await done('prune', '-r', repository, '--keep-last', '1', '--yes', '--dry-run');
  await run(['key', 'add', '-r', repository], { env: { HOLDFAST_NEW_PASSWORD: secret } });
  await done('hold', 'add', 'latest', '-r', repository, '--reason', 'an audit');
  await done('check', '-r', repository);
  await run(['backup', '-r', repository, '--postgres', `postgresql://app:${secret}@127.0.0.1:1/app`]);

  const records = await audit();
  expect(events(records)).toEqual([
    'backup ended',
    'backup ended',
    'restore begun',
    'restore ended',
    'read begun',
    'read ended',
    'prune begun',
    'prune ended',
    'key begun',
    'key ended',
    'hold begun',
    'hold ended',
    'backup ended',
  ]);
  expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, at) => at + 1));
  const [first, , restore, restored, , , prune, pruned, , key, , , failed] = records;
  expect(first).toMatchObject({ result: { status: 'done', exit: 0, components: ['files'], facts: { files: 1, bytes: 7 } } });
  expect(restore).toMatchObject({
    by: { user: 'root', sudo: 'alice', from: '192.0.2.7', trigger: 'schedule', host: hostname() },
    what: { command: 'restore', arguments: ['latest'], options: { target: place.path('target') } },
  });
  expect(restored).toMatchObject({ run: restore?.['run'], result: { status: 'done', facts: { files: 2 } } });
  expect(prune).toMatchObject({ plan: { remove: [{ components: ['files'] }] } });
  expect(pruned).toMatchObject({ result: { status: 'done', facts: { removed_points: 1 } } });
  expect(key).toMatchObject({ result: { ids: [expect.stringMatching(/^[0-9a-f]{64}$/)] } });
  expect(failed).toMatchObject({ result: { status: 'failed', exit: 1, error: { code: 'postgres-unreachable' } } });
  expect(JSON.stringify(records)).not.toContain(secret);
  expect(JSON.stringify(records)).not.toContain(password);

  expect((await audit('--event', 'prune')).map(({ event }) => event)).toEqual(['prune', 'prune']);
  expect(await audit('--user', 'alice')).toHaveLength(2);
  expect(await audit('--limit', '3')).toHaveLength(3);
  expect(await audit('--since', '2100-01-01')).toEqual([]);
  expect((await run(['audit', '-r', repository, '--event', 'nothing'])).status).toBe(2);
  expect((await done('audit', '-r', repository)).stdout).toContain('alice as root from 192.0.2.7 (schedule)');
  expect((await done('audit', 'verify', '-r', repository)).stdout).toContain('13 records of 1 host: nothing is missing or changed');

  const runs = await history();
  expect(runs.map(({ kind, status }) => `${String(kind)} ${String(status)}`)).toEqual([
    'backup failed',
    'check done',
    'hold done',
    'key done',
    'prune done',
    'restore done',
    'backup done',
    'backup done',
  ]);
  expect(runs[0]).toMatchObject({ error: { code: 'postgres-unreachable', hint: containing('Check that the server runs') } });
  expect(runs[5]).toMatchObject({
    trigger: 'schedule',
    job: 'test:a,test:b',
    repository,
    point: anyOf(String),
  });
  expect(runs[7]).toMatchObject({
    trigger: 'person',
    exit: 0,
    facts: { 'bytes': 7, 'files': 1, 'files.bytes': 7 },
    point: anyOf(String),
  });
  expect(await history('--kind', 'backup', '--limit', '2')).toHaveLength(2);
  expect(await history('--component', 'files', '--status', 'failed')).toHaveLength(1);
  expect(JSON.stringify(runs)).not.toContain(secret);
  expect((await done('history')).stdout).toContain('Cannot reach database app');
});

test('a record that is removed or changed is found, and prune and copy leave the trail alone', { timeout: 240_000 }, async () => {
  const { repository, backup, done, run, audit } = host('plants');
  for (let each = 0; each < 3; each++) await backup();
  await done('prune', '-r', repository, '--keep-last', '1', '--yes');
  expect(await audit()).toHaveLength(5);
  const other = place.path('repository-copy');
  await done('copy', '-q', '-r', other, '--from-repo', repository);
  expect(events(await audit()).slice(5)).toEqual(['copy begun', 'copy ended']);
  const copied = parseLines((await done('audit', '-r', other, '--json')).stdout);
  expect(events(copied)).toEqual(['copy begun', 'copy ended']);

  const folder = `${repository}/holdfast/audit/${chainOf(hostname())}`;
  const names = (await readdir(folder)).toSorted();
  await cp(repository, place.path('as-it-was'), { recursive: true });
  const verify = async (): Promise<{ status: number; kinds: string[] }> => {
    const { status, stderr } = await run(['audit', 'verify', '-r', repository, '--json']);
    return { status, kinds: parseLines(stderr).map(({ kind }) => String(kind)) };
  };
  expect(await verify()).toEqual({ status: 0, kinds: [] });
  await rm(`${folder}/${names.at(-1)}`);
  expect(await verify()).toEqual({ status: 4, kinds: ['cut'] });
  await rm(`${folder}/${names[2]}`);
  expect((await verify()).kinds.toSorted(byText)).toEqual(['cut', 'missing']);
  const bytes = await readFile(`${folder}/${names[0]}`);
  bytes[600] = (bytes[600] ?? 0) ^ 1;
  await chmod(`${folder}/${names[0]}`, 0o600);
  await writeFile(`${folder}/${names[0]}`, bytes);
  expect((await verify()).kinds.toSorted(byText)).toEqual(['cut', 'damaged', 'missing']);
  expect((await run(['audit', '-r', repository])).stderr).toContain('1 of its records cannot be read; see: holdfast audit verify');
  // The next run goes on behind what was cut, so that it is never hidden.
  await backup();
  expect((await verify()).kinds.toSorted(byText)).toEqual(['damaged', 'missing', 'missing']);

  expect((await run(['audit', 'verify', '-r', repository, '--accept', 'a test'])).status).toBe(0);
  const looked = await run(['audit', 'verify', '-r', repository]);
  expect(looked).toMatchObject({ status: 0, stdout: containing('nothing else is missing or changed') });
  const accepted = parseLines((await run(['audit', '-r', repository, '--json', '--event', 'audit'])).stdout);
  expect(accepted.map(({ what }) => readObject(what, 'what')['reason'])).toEqual(['a test']);

  // A copy made with other programs goes its own way, and is no cut.
  const copy = place.path('as-it-was');
  await done('backup', '-q', '-r', copy, '--files', data);
  expect((await done('audit', 'verify', '-r', copy)).stdout).toContain('nothing is missing');
});

test.skipIf(process.getuid?.() !== 0)(
  'who may only read restores all the same; the record waits and is written later',
  { timeout: 120_000 },
  async () => {
    const { repository, state, backup, audit } = host('reader');
    await backup();
    await chmod(place.folder, 0o755);
    const reading = `${state}-of-the-reader`;
    await mkdir(reading, { mode: 0o777 });
    await chmod(reading, 0o777);
    const target = place.path('readers');
    await mkdir(target);
    await chmod(target, 0o777);
    await chmod(repository, 0o755);
    for (const folder of await readdir(repository, { recursive: true, withFileTypes: true }))
      await chmod(`${folder.parentPath}/${folder.name}`, folder.isDirectory() ? 0o755 : 0o644);
    const env = { HOLDFAST_STATE: reading, XDG_CACHE_HOME: `${reading}/cache`, NODE_COMPILE_CACHE: `${reading}/node` };
    const restored = await runHoldfast(['restore', 'latest', '-r', repository, '--target', `${target}/new`, '--no-lock'], {
      env,
      uid: 65_534,
    });
    expect(restored).toMatchObject({ status: 0, stderr: containing(`notice: the audit trail of ${repository} could not be written`) });
    expect(await readFile(`${target}/new${data}/file`, 'utf8')).toBe('content');
    expect(events(await audit())).toEqual(['backup ended']);
    await runHoldfast(['backup', '-q', '-r', repository, '--files', data], { env: { HOLDFAST_STATE: reading } });
    const records = await audit();
    expect(events(records)).toEqual(['backup ended', 'restore begun', 'restore ended', 'backup ended']);
    expect(records[1]).toMatchObject({ late: true, by: { user: 'nobody' } });
  },
);

test('a host that cannot remember backs up all the same', { timeout: 120_000 }, async () => {
  const { repository, audit, run, state } = host('forgetful');
  await writeFile(state, 'a file where the folder would be');
  const result = await run(['backup', '-r', repository, '--files', data]);
  expect(result).toMatchObject({
    status: 0,
    stderr: containing('notice: this run is not noted in the history of this host: Cannot use the history'),
  });
  await rm(state);
  expect(events(await audit())).toEqual(['backup ended']);
});

test('a changed configuration, and sign-ins to the API, come into the trail with the next run', { timeout: 120_000 }, async () => {
  const { repository, state, done, audit, history } = host('configured');
  const file = place.path('holdfast.yaml');
  const write = (more = ''): Promise<void> =>
    writeFile(
      file,
      `application: shop\nrepositories:\n  local: { url: ${repository}, password: { env: HOLDFAST_PASSWORD } }\ncomponents:\n  uploads: { files: ${data} }\n${more}`,
    );
  await write();
  await done('backup', '-q', '-c', file);
  await cheapenKey(`${repository}/keys`, password);
  await done('backup', '-q', '-c', file);
  await write('# changed\n');
  const catalog = openCatalog(state, systemClock);
  const note = createSignInNotes(catalog, systemClock);
  for (let request = 0; request < 50; request++) {
    note({ token: 'dashboard', role: 'viewer', from: '203.0.113.9', accepted: true });
    note({ from: '203.0.113.9', accepted: false });
  }
  noteCancelledRun(catalog, { token: 'boss', run: 'a-run' }, systemClock.now());
  catalog.close();
  await done('backup', '-q', '-c', file);
  const records = await audit();
  expect(events(records)).toEqual([
    'configuration ended',
    'backup ended',
    'backup ended',
    'sign-in ended',
    'sign-in ended',
    'cancel ended',
    'configuration ended',
    'backup ended',
  ]);
  expect(records[0]).toMatchObject({ what: { file, before: null } });
  expect(records[5]).toMatchObject({ by: { token: 'boss' }, what: { run: 'a-run' } });
  expect(records[6]).toMatchObject({ what: { file, before: readObject(records[0]?.['what'], 'what')['sha256'] } });
  expect(records[3]).toMatchObject({ by: { token: 'dashboard', from: '203.0.113.9', trigger: 'api' }, result: { status: 'done' } });
  expect(records[4]).toMatchObject({ result: { status: 'failed' } });
  expect(await history('--kind', 'backup')).toEqual(
    Array.from({ length: 3 }, () => matching({ application: 'shop', configuration: file, repository, components: ['uploads'] })),
  );
});

test('a place that only takes what is new takes the trail', { timeout: 120_000 }, async () => {
  const { run, done } = host('append-only');
  const folder = place.path('served');
  await mkdir(folder);
  const server = await startOwnRestServer({ folder, appendOnly: true });
  try {
    const url = `rest:http://127.0.0.1:${server.port}/app`;
    for (let each = 0; each < 2; each++) await done('backup', '-q', '-r', url, '--files', data, '--no-cache');
    expect((await run(['audit', 'verify', '-r', url])).stdout).toContain('2 records of 1 host: nothing is missing or changed');
  } finally {
    await server.stop();
  }
});

test.skipIf(process.getuid?.() !== 0)(
  'hosts write at once, each its own chain, and vouch for one another',
  { timeout: 240_000 },
  async () => {
    const { repository, state, backup, audit, run } = host('many');
    await backup();
    const states = ['east', 'west'].map((name) => [name, `${state}-${name}`] as const);
    const runs = states.map(([name, folder]) =>
      startOnHost(name, repository, ['backup', '-q', '--files', data], {
        HOLDFAST_PASSWORD: password,
        HOLDFAST_STATE: folder,
        XDG_CACHE_HOME: `${folder}/cache`,
      }),
    );
    expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual([matching({ status: 0 }), matching({ status: 0 })]);
    const records = await audit();
    expect(records.map(({ chain }) => String(chain)).toSorted(byText)).toEqual(['east', 'west', hostname()].map(chainOf).toSorted(byText));
    expect((await run(['audit', 'verify', '-r', repository])).status).toBe(0);
    // Whoever deletes the whole chain of one host is found out by the others' records, though the host itself knows nothing any more.
    await rm(`${repository}/holdfast/audit/${chainOf(hostname())}`, { recursive: true });
    await rm(state, { recursive: true });
    const { status, stderr } = await run(['audit', 'verify', '-r', repository, '--json']);
    expect({ status, findings: parseLines(stderr) }).toMatchObject({ status: 4, findings: [{ kind: 'cut', chain: chainOf(hostname()) }] });
  },
);
