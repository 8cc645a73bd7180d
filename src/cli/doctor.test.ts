import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCluster, type ThrowawayCluster } from '../../test/harness/postgres/throwaway-cluster.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { createQuickRepository, openQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { encodeLock } from '../engine/lock/lock-file.ts';
import { exitStatus } from '../errors.ts';
import { anyOf, containing, matching } from '../../test/harness/programs/expected-text.ts';
import type { Check } from '../operations/doctor/check.ts';
import { makeWorkplace, parseLines, runHoldfast } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const place = await makeWorkplace();
const repository = place.path('backups');
let cluster: ThrowawayCluster;
const secret = 'of-nobody-else-1';

interface Diagnosis {
  readonly status: number;
  readonly checks: ReadonlyMap<string, Check>;
  readonly stdout: string;
}

/** Who logs in, and with what; passwords are no arguments. */
const as = (user: string, word: string): { readonly url: string; readonly env: Record<string, string> } => ({
  url: `postgresql://${user}@${cluster.host}:${cluster.port}/app`,
  env: { PGPASSWORD: word },
});

const doctor = async (words: string[], env: Record<string, string> = {}): Promise<Diagnosis> => {
  const { status, stdout, stderr } = await runHoldfast(['doctor', '--json', ...words], {
    cwd: place.folder,
    env: { HOLDFAST_PASSWORD: password, HOLDFAST_STATE: place.path('state'), ...env },
  });
  expect(`${stdout}${stderr}`).not.toContain(secret);
  expect(`${stdout}${stderr}`).not.toContain(cluster.password);
  const checks = parseLines(stdout).flatMap((line) =>
    line['message_type'] === 'check' ? [[String(line['name']), line as unknown as Check] as const] : [],
  );
  return { status, stdout, checks: new Map(checks) };
};

beforeAll(async () => {
  cluster = await startCluster({ databases: ['app'] });
  await cluster.psql(
    `CREATE TABLE secrets (id int); CREATE ROLE plain LOGIN PASSWORD '${secret}'; CREATE ROLE copier LOGIN REPLICATION PASSWORD '${secret}';
     CREATE TABLE hidden (id int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE ROLE reader LOGIN PASSWORD '${secret}' IN ROLE pg_read_all_data;`,
    'app',
  );
  await createQuickRepository(repository);
});

afterAll(async () => {
  await cluster.stop();
  await place.remove();
});

describe('a database', () => {
  test('that is well, for dumps and for base backups', async () => {
    const { url, env } = as('postgres', cluster.password);
    const { status, checks, stdout } = await doctor(['-r', repository, '--postgres', url, '--mode', 'both'], env);
    expect({ status, failed: [...checks.values()].filter((check) => check.status === 'failed') }).toEqual({
      status: exitStatus.done,
      failed: [],
    });
    for (const name of ['open', 'write', 'locks', 'space'])
      expect(checks.get(`repository ${repository}: ${name}`)).toMatchObject({ status: 'ok' });
    for (const name of ['login', 'programs', 'rights', 'role', 'replication', 'wal_level', 'pg_wal'])
      expect(checks.get(`database: ${name}`)).toMatchObject({ status: 'ok' });
    expect(checks.get('host: clock')).toMatchObject({ status: 'ok', what: containing('the server of database') });
    const counts = parseLines(stdout).at(-1);
    expect(counts).toEqual({ message_type: 'summary', ok: anyOf(Number), warnings: anyOf(Number), failed: 0 });
  });

  test('whose login may not read it, nor replicate', async () => {
    const { url, env } = as('plain', secret);
    const { status, checks } = await doctor(['--postgres', url, '--mode', 'both'], env);
    expect(status).toBe(exitStatus.failed);
    expect(checks.get('database: rights')).toMatchObject({
      status: 'failed',
      what: containing('public.hidden, public.secrets'),
      do: containing('\nGRANT pg_read_all_data TO "plain";'),
    });
    expect(checks.get('database: role')).toMatchObject({ status: 'failed', do: containing('\nALTER ROLE "plain" REPLICATION;') });
    expect(checks.get('database: replication')).toMatchObject({ status: 'failed' });
    expect(checks.get('database: pg_wal')).toMatchObject({ status: 'warning', do: containing('GRANT pg_monitor TO "plain";') });
  });

  test('with row security, which hides rows from whoever dumps', async () => {
    const { url, env } = as('reader', secret);
    const { checks } = await doctor(['--postgres', url], env);
    expect(checks.get('database: rights')).toMatchObject({
      status: 'failed',
      what: containing('public.hidden'),
      do: containing('\nALTER ROLE "reader" BYPASSRLS;'),
    });
  });

  test('whose rules let nobody replicate: the line for pg_hba.conf is told, and pasted it helps', async () => {
    const file = join(cluster.dataFolder, 'pg_hba.conf');
    const rules = await readFile(file, 'utf8');
    const set = async (text: string): Promise<void> => {
      await writeFile(file, text);
      await cluster.query('SELECT pg_reload_conf()');
    };
    const { url, env } = as('copier', secret);
    const look = (): Promise<Diagnosis> => doctor(['--postgres', url, '--mode', 'physical'], env);
    await set(rules.replaceAll(/^.*replication.*$/gm, ''));
    const { status, checks } = await look();
    const line = /host +replication +\S+ +127\.0\.0\.1\/32 +scram-sha-256/.exec(checks.get('database: replication')?.do ?? '')?.[0];
    expect({ status, line }).toEqual({ status: exitStatus.failed, line: anyOf(String) });
    await set(`${line ?? ''}\n${rules.replaceAll(/^.*replication.*$/gm, '')}`);
    expect((await look()).checks.get('database: replication')).toMatchObject({ status: 'ok' });
    await set(rules);
  });

  test('that cannot be reached is one failure, and not twenty', async () => {
    const { status, checks } = await doctor(['--postgres', 'postgresql://app@127.0.0.1:1/app', '--mode', 'both']);
    expect(status).toBe(exitStatus.failed);
    expect([...checks.values()].filter(({ name }) => name.startsWith('database'))).toMatchObject([
      { name: 'database: login', status: 'failed' },
    ]);
  });

  test('without a write-ahead log to recover from', async () => {
    const minimal = await startCluster({ settings: { wal_level: 'minimal', max_wal_senders: '0' } });
    try {
      const { status, checks } = await doctor(
        ['--postgres', `postgresql://postgres@127.0.0.1:${minimal.port}/postgres`, '--mode', 'physical'],
        {
          PGPASSWORD: minimal.password,
        },
      );
      expect(status).toBe(exitStatus.failed);
      expect(checks.get('database: wal_level')).toMatchObject({ status: 'failed', do: containing('\nwal_level = replica') });
      expect(checks.get('database: max_wal_senders')).toMatchObject({ status: 'failed', do: containing('\nmax_wal_senders = 10') });
    } finally {
      await minimal.stop();
    }
  });
});

describe('a repository', () => {
  test('whose password is wrong, and one that is not there yet', async () => {
    const wrong = await doctor(['-r', repository], { HOLDFAST_PASSWORD: 'something-else' });
    expect(wrong.status).toBe(exitStatus.failed);
    expect(wrong.checks.get(`repository ${repository}: open`)).toMatchObject({ status: 'failed', what: containing('no key there opens') });
    const missing = await doctor(['-r', place.path('nothing')]);
    expect(missing.status).toBe(exitStatus.done);
    expect(missing.checks.get(`repository ${place.path('nothing')}: open`)).toMatchObject({
      status: 'warning',
      do: containing('repo init'),
    });
    expect(await readdir(place.folder)).not.toContain('nothing');
  });

  test('with a lock of a dead run, which stays', async () => {
    const open = await openQuickRepository(repository);
    const lock = encodeLock({
      time: Date.UTC(2026, 9, 1),
      exclusive: false,
      hostname: 'elsewhere',
      username: 'somebody',
      pid: 7,
      uid: 0,
      gid: 0,
    });
    await open.writeFile('lock', lock);
    await open.close();
    const { status, checks } = await doctor(['-r', repository]);
    expect(status).toBe(exitStatus.done);
    expect(checks.get(`repository ${repository}: locks`)).toMatchObject({
      status: 'warning',
      what: containing('elsewhere'),
      do: containing(`holdfast unlock -r ${repository}`),
    });
    expect(await readdir(join(repository, 'locks'))).toHaveLength(1);
    await runHoldfast(['unlock', '-r', repository], { env: { HOLDFAST_PASSWORD: password } });
  });

  test('and nothing named at all is wrong usage', async () => {
    expect((await doctor([])).status).toBe(exitStatus.usage);
  });
});

test('a configured application is looked at whole, for people too', async () => {
  await mkdir(place.path('app', 'uploads'), { recursive: true });
  const text = `
application: shop
repositories: { local: { url: ${repository}, keep: { daily: 7 } } }
components:
  database: { postgres: { url: { env: DATABASE_URL }, mode: both } }
  uploads: { files: ./uploads }
  lost: { files: ./not-there }
`;
  await writeFile(place.path('app', 'holdfast.yaml'), text);
  const env = { HOLDFAST_PASSWORD: password, HOLDFAST_STATE: place.path('state'), DATABASE_URL: cluster.url('app') };
  const { status, stdout } = await runHoldfast(['doctor'], { cwd: place.path('app'), env });
  expect(status).toBe(exitStatus.failed);
  expect(stdout).toMatch(/^ {2}ok {2}repository local: open: /m);
  expect(stdout).toMatch(/^ {2}ok {2}uploads: there: /m);
  expect(stdout).toMatch(/^FAIL {2}lost: there: .*not-there/m);
  expect(stdout).toMatch(/^warn {2}database\S*: max_slot_wal_keep_size: [^\n]*\n {6}[^\n]*\n {10}max_slot_wal_keep_size = '10GB'$/m);
  expect(stdout).toMatch(/\d+ checks: \d+ well, \d+ warnings?, 1 failed\n$/);
  const quiet = await runHoldfast(['doctor', '--quiet'], { cwd: place.path('app'), env });
  expect(quiet.stdout).not.toContain('  ok ');
});

test('a state folder that cannot be written is told', async () => {
  await writeFile(place.path('no-folder'), '');
  const { status, checks } = await doctor(['-r', repository], { HOLDFAST_STATE: place.path('no-folder', 'state') });
  expect({ status, check: checks.get('host: state folder') }).toMatchObject({
    status: exitStatus.failed,
    check: { status: 'failed', do: matching(/HOLDFAST_STATE/) },
  });
});
