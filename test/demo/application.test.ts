import { chmod, lstat, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createApplication, destroyApplication } from '../../scripts/demo/application.ts';
import { database, type DemoApplication } from '../../scripts/demo/demo-application.ts';
import { rowsExpected } from '../../scripts/demo/application-rows.ts';
import { takeFingerprint, type Fingerprint } from '../../scripts/demo/fingerprint.ts';
import { judge } from '../../scripts/demo/verdict.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let application: DemoApplication;
let before: Fingerprint;
/** Relative to the application's folder. */
const path = (name: string): string => join(application.folder, name);
const receipt = 'uploads/2025/02/receipt-0001.pdf';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-application-'));
  await chmod(folder, 0o755);
  application = await createApplication(folder);
  before = await takeFingerprint(application);
});
afterAll(async () => {
  await application?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('the application is what the demo says: rows, files, a sound state, secrets that only the owner reads', async () => {
  const uploads = [...before.facts.keys()].filter((name) => /^file uploads\/(?!current$)/.test(name));
  expect(uploads).toHaveLength(302);
  for (const [table, rows] of Object.entries({ ...rowsExpected, 'public.attachments': 302, 'public.schema_migrations': 2 }))
    expect(before.facts.get(`table ${table}`)).toMatch(new RegExp(`^${rows} rows, MD5 `));
  expect(before.rows).toBeGreaterThan(200_000);
  expect(before.facts.get('health')).toMatch(/^schema and attachments are right(, app\.py answers 200 \{"status": "ok"\})?$/);
  expect(before.facts.get('file .env')).toContain('mode 0600');
  const configuration = await readFile(path('holdfast.yaml'), 'utf8');
  expect(configuration).not.toContain(application.cluster.password);
  expect(configuration).not.toMatch(/^notify:|\/mnt\/|\/var\/|@localhost/m);
});

test('nothing has changed: proved', async () => {
  expect(judge(before, await takeFingerprint(application))).toEqual({
    proved: true,
    reasons: [],
    line: `PROVED: 6 tables with ${before.rows} rows and 313 files are exactly as before.`,
  });
});

describe('not proved', () => {
  /** Does it, looks, takes it back, and looks again: what differed, and that nothing does any more. */
  const differencesOf = async (change: () => Promise<unknown>, takeBack: () => Promise<unknown>): Promise<readonly string[]> => {
    await change();
    const verdict = judge(before, await takeFingerprint(application));
    await takeBack();
    expect(judge(before, await takeFingerprint(application)).reasons).toEqual([]);
    expect(verdict).toMatchObject({ proved: false, line: expect.stringMatching(/^NOT PROVED: /) as string });
    return verdict.reasons;
  };
  const sql = (text: string) => (): Promise<unknown> => application.cluster.query(text, database);

  test('one row is another', async () => {
    const reasons = await differencesOf(
      sql('UPDATE users SET hourly_rate = hourly_rate + 0.01 WHERE id = 77'),
      sql('UPDATE users SET hourly_rate = hourly_rate - 0.01 WHERE id = 77'),
    );
    expect(reasons).toEqual([expect.stringMatching(/^table public\.users: 400 rows, MD5 \w+ → 400 rows, MD5 \w+$/)]);
  });

  test('an attachment is missing, and the application says so too', async () => {
    const reasons = await differencesOf(
      () => rename(path(receipt), path('kept')),
      () => rename(path('kept'), path(receipt)),
    );
    expect(reasons).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^file uploads\/2025\/02\/receipt-0001\.pdf: SHA-256 .* → is gone$/),
        expect.stringMatching(/^health: .* → .*check" ended with status 1: .*receipt-0001/),
      ]),
    );
  });

  test('a mode is another, a time is another, a file is there that was not', async () => {
    const { mode, atime, mtime } = await lstat(path(receipt));
    const changed = async (): Promise<void> => {
      await chmod(path(receipt), 0o644);
      await writeFile(path('.env.old'), 'x');
      await utimes(path('uploads/.empty'), atime, new Date(1));
    };
    const takenBack = async (): Promise<void> => {
      await chmod(path(receipt), mode & 0o7777);
      await utimes(path(receipt), atime, mtime);
      await rm(path('.env.old'));
      await utimes(path('uploads/.empty'), atime, new Date(Date.UTC(2026, 0, 1, 8)));
    };
    expect(await differencesOf(changed, takenBack)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/receipt-0001\.pdf: .*mode 0640.* → .*mode 0644/),
        expect.stringMatching(/^file \.env\.old: was not there → SHA-256/),
        expect.stringMatching(/^file uploads\/\.empty: .*time 1767254400000000000 → .*time 1000000/),
      ]),
    );
  });

  test('an index, a role, a sequence or a migration is missing', async () => {
    const reasons = await differencesOf(
      sql(`BEGIN; DROP INDEX entries_by_timesheet; ALTER ROLE timesheet_reader CREATEDB; SELECT setval('timesheet_number', 7);
           UPDATE schema_migrations SET version = 9 WHERE version = 2; COMMIT`),
      sql(`BEGIN; CREATE INDEX entries_by_timesheet ON entries (timesheet_id, day); ALTER ROLE timesheet_reader NOCREATEDB;
           SELECT setval('timesheet_number', (SELECT max(number) FROM timesheets)); UPDATE schema_migrations SET version = 2 WHERE version = 9; COMMIT`),
    );
    expect(reasons.map((reason) => reason.split(':')[0])).toEqual(
      expect.arrayContaining([
        'schema',
        'role timesheet_reader',
        'sequence timesheet_number',
        'table public.schema_migrations',
      ]) as string[],
    );
  });

  test('nothing was compared, or something failed though everything is the same', () => {
    expect(judge(before, undefined).proved).toBe(false);
    expect(judge(undefined, before).proved).toBe(false);
    expect(judge(before, before, ['"holdfast recover" ended with status 3'])).toMatchObject({
      proved: false,
      reasons: ['"holdfast recover" ended with status 3'],
      line: 'NOT PROVED: 1 thing is not as it must be.',
    });
  });

  /* The last one: nothing is there afterwards. */
  test('everything is destroyed', async () => {
    await destroyApplication(application);
    await expect(takeFingerprint(application)).rejects.toThrow('does not exist');
    await expect(lstat(application.folder)).rejects.toThrow('ENOENT');
  });
});
