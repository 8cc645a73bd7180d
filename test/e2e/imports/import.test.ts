/** Old backups of every kind, made by the programs that people make them with, become points that restore by the usual commands. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readFile, readdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { startCluster, type ThrowawayCluster } from '../../harness/postgres/throwaway-cluster.ts';
import { judge } from '../../harness/programs/run-programs.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const place = await makeWorkplace();
const old = place.path('old');
const repository = place.path('repository');
const password = 'seen-by-nobody';
let cluster: ThrowawayCluster;
let sums = '';

const holdfast = (...words: string[]): Promise<RunResult> =>
  runHoldfast([...words, '-r', repository], {
    env: { HOLDFAST_PASSWORD: password, PGPASSWORD: cluster.password, HOLDFAST_STATE: place.path('state') },
  });

async function shell(script: string, env: Record<string, string> = {}): Promise<string> {
  const own = {
    PATH: `${cluster.toolsFolder}:/usr/bin:/bin`,
    HOME: place.folder,
    PGHOST: cluster.socketFolder,
    PGPORT: String(cluster.port),
    PGUSER: 'postgres',
  };
  const { stdout } = await promisify(execFile)('/bin/bash', ['-e', '-o', 'pipefail', '-c', script], {
    cwd: old,
    env: { ...own, ...env },
    maxBuffer: 2 ** 24,
  });
  return stdout;
}

const sumsOf = (database: string): Promise<string> =>
  shell(
    `psql -X -A -t -d ${database} -c "SELECT count(*), md5(string_agg(i::text, chr(10) ORDER BY id)) FROM sales.item i" -c "SELECT count(*), sum(length(lo_get(oid))) FROM pg_largeobject_metadata" -c 'SELECT count(*) FROM "Odd "" name"'`,
  );

const schema = `CREATE SCHEMA sales; CREATE TABLE sales.item (id int PRIMARY KEY, name text, note text);
  INSERT INTO sales.item SELECT i, 'item ' || i, CASE WHEN i % 7 = 0 THEN E'two\\nlines\\\\.\\tand a tab' END FROM generate_series(1, 5000) i;
  CREATE TABLE "Odd "" name" (x text); INSERT INTO "Odd "" name" VALUES ('-- PostgreSQL database dump complete'), (E'\\\\connect x');
  CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; -- CREATE DATABASE nothing
  $$; SELECT lo_from_bytea(0, 'a large object'); SELECT lo_from_bytea(0, 'another');`;

beforeAll(async () => {
  cluster = await startCluster({ databases: ['shop', 'crm'] });
  await mkdir(old);
  await cluster.psql(schema, 'shop');
  await cluster.psql(
    'CREATE ROLE reporter LOGIN; CREATE TABLE lead (id int); INSERT INTO lead SELECT generate_series(1, 30); GRANT SELECT ON lead TO reporter',
    'crm',
  );
  sums = await sumsOf('shop');
  await shell(`pg_dump -Fc shop -f shop_20250101_020000.dump
    pg_dump shop | gzip > shop-2025-01-02.sql.gz
    pg_dump --create shop > shop_03-01-2025.sql
    pg_dump -Fd -j2 shop -f shop-2025-01-04T02-00-00
    pg_dump -Ft shop | gzip > shop_2025-01-05.tar.gz
    pg_dumpall | zstd -q > all-20250106.sql.zst
    pg_dump -Fc -Z1 shop > nameless.dump; cp all-20250106.sql.zst again-20250107.sql.zst`);
  await utimes(`${old}/nameless.dump`, 1_600_000_000, 1_600_000_000);
});
afterAll(async () => {
  await cluster?.stop();
  await place.remove();
});

async function restoreAt(time: string, into: string, database = 'shop'): Promise<RunResult> {
  const url = `postgresql://postgres@127.0.0.1:${cluster.port}/${database}`;
  const done = await holdfast('restore', time, '--component', 'database', '--postgres', url, '--into', into, '--yes');
  expect(done.status, done.stderr).toBe(0);
  return done;
}

test('a dry run tells what each would become, and saves nothing', async () => {
  const { status, stdout } = await holdfast('import', old, '--dry-run');
  expect(status, stdout).toBe(0);
  expect(stdout).toContain('7 points would be made, 1 there already');
  expect(stdout).toMatch(/nameless\.dump +database +dump in custom format, 2 tables, 5002 rows .* its content/);
  await expect(readdir(repository)).rejects.toThrow('ENOENT');
});

test('dumps in each format become points with their own dates, and restore as any other, compared row by row', async () => {
  const { status, stdout, stderr } = await holdfast('import', old, '--json');
  expect(status, stderr).toBe(0);
  expect(parseLines(stdout).at(-1)).toMatchObject({ message_type: 'summary', present: 1, refused: [] });
  const points = parseLines((await holdfast('list', '--json')).stdout);
  const days = points.map(({ time }) => String(time).slice(0, 16));
  expect(days.slice(0, 6)).toEqual([
    '2025-01-01T02:00',
    '2025-01-02T00:00',
    '2025-01-03T00:00',
    '2025-01-04T02:00',
    '2025-01-05T00:00',
    '2025-01-06T00:00',
  ]);
  expect(points).toHaveLength(7);
  for (const [at, point] of points.entries()) {
    const done = await restoreAt(String(point['id']).slice(0, 12), `copy_${at}`);
    expect(done.stdout).toMatch(/rows +5002/);
    expect(await sumsOf(`copy_${at}`)).toBe(sums);
  }
  await judge(repository, ['--read-data']);
});

test('of a server as a whole each database is by itself, with the roles', async () => {
  const [point] = parseLines((await holdfast('list', '--json')).stdout).filter(({ time }) => String(time).startsWith('2025-01-06'));
  const listed = (await holdfast('ls', String(point?.['id']))).stdout;
  for (const path of ['/postgres/shop/database.sql', '/postgres/crm/database.sql', '/postgres/crm/roles.sql'])
    expect(listed).toContain(path);
  expect(listed).not.toContain('/postgres/template1');
  await cluster.query('DROP DATABASE crm');
  await cluster.query('DROP ROLE reporter');
  const url = `postgresql://postgres@127.0.0.1:${cluster.port}/crm`;
  const done = await holdfast('restore', String(point?.['id']), '--component', 'database', '--postgres', url, '--roles', '--yes');
  expect(done.status, done.stderr).toBe(0);
  expect(await cluster.query('SELECT count(*)::int AS n FROM lead', 'crm')).toEqual([{ n: 30 }]);
});

test('importing twice adds nothing', async () => {
  const { status, stdout } = await holdfast('import', old, '--json');
  expect(status).toBe(0);
  expect(parseLines(stdout).at(-1)).toMatchObject({ imported: [], present: 8 });
  expect(parseLines((await holdfast('list', '--json')).stdout)).toHaveLength(7);
});

test('what is damaged is refused by name, and the rest goes on', async () => {
  const broken = place.path('broken');
  await mkdir(broken);
  await copyFile(`${old}/shop-2025-01-02.sql.gz`, `${broken}/cut-2024-01-01.sql.gz`);
  await truncate(`${broken}/cut-2024-01-01.sql.gz`, 5000);
  await copyFile(`${old}/shop_20250101_020000.dump`, `${broken}/cut-2024-01-02.dump`);
  await truncate(`${broken}/cut-2024-01-02.dump`, 30_000);
  await shell(
    `head -n 3000 shop_03-01-2025.sql > ${broken}/ends-early.sql; tar cf ${broken}/cut.tar -C ${old} .; truncate -s 20000 ${broken}/cut.tar; echo 'SELECT 1;' > ${broken}/other.sql; pg_dump -Fc crm > ${broken}/crm-2024-02-02.dump`,
  );
  await writeFile(`${broken}/notes.txt`, 'no backup');
  const { status, stdout, stderr } = await holdfast('import', broken);
  expect(status).toBe(3);
  expect(stdout).toContain('1 point made of old backups, 0 there already, 5 refused');
  expect(stdout).toMatch(/REFUSED .*cut-2024-01-01\.sql\.gz: .*cut short/);
  for (const name of ['cut-2024-01-02.dump', 'ends-early.sql', 'cut.tar', 'other.sql'])
    expect(stdout).toContain(`REFUSED ${broken}/${name}`);
  expect(stdout).toContain('notes.txt');
  expect(stderr).not.toContain('internal');
});

test('tars and zips become files with names, modes, owners and links', async () => {
  const site = place.path('site');
  await mkdir(`${site}/uploads/2024`, { recursive: true });
  await writeFile(`${site}/uploads/2024/é.bin`, createHash('sha512').update('x').digest(), { mode: 0o640 });
  await link(`${site}/uploads/2024/é.bin`, `${site}/uploads/second`);
  await symlink('2024/é.bin', `${site}/uploads/link`);
  const files = place.path('files');
  await mkdir(files);
  await shell(
    `tar czf ${files}/uploads_20240301.tar.gz -C ${site} uploads; tar cf - -C ${site}/uploads . | zstd -q > ${files}/media-2024-03-02.tar.zst; cd ${site} && zip -q -r -y ${files}/docs-2024-03-03.zip uploads`,
  );
  expect((await holdfast('import', files)).status).toBe(0);
  for (const [component, root] of [
    ['uploads', 'uploads'],
    ['media', 'media'],
    ['docs', 'uploads'],
  ] as const) {
    const target = place.path('out', component);
    const done = await holdfast('restore', `latest:${component}`, '--target', target);
    expect(done.status, done.stderr).toBe(0);
    const [got, wanted] = [`${target}/${root}`, `${site}/uploads`].map(
      (path) =>
        `cd ${path}; find . -type f -printf '%p %m %U %s\\n' -o -type l -printf '%p -> %l\\n' | sort; find . -type f | sort | xargs -d '\\n' sha256sum`,
    );
    expect(await shell(got ?? '')).toBe(await shell(wanted ?? ''));
  }
});

test('what is encrypted is opened by gpg and age', async () => {
  const sealed = place.path('sealed');
  await mkdir(sealed);
  const [home, phrase, key] = [place.path('gpg'), place.path('phrase'), place.path('age.txt')];
  await mkdir(home, { mode: 0o700 });
  await writeFile(phrase, 'a long enough phrase\n');
  const gpg = 'gpg --batch --quiet --pinentry-mode loopback --passphrase-file';
  await shell(
    `age-keygen -o ${key} 2> /dev/null; age -r $(age-keygen -y ${key}) < shop-2025-01-02.sql.gz > ${sealed}/a-2023-01-01.sql.gz.age
    ${gpg} ${phrase} --symmetric --output ${sealed}/b-2023-01-02.dump.gpg shop_20250101_020000.dump; gpgconf --kill all`,
    { GNUPGHOME: home },
  );
  const { status, stdout } = await holdfast('import', sealed);
  expect(status).toBe(1);
  expect(stdout).not.toContain('made');
  const done = await runHoldfast(['import', sealed, '--identity', key, '--passphrase-file', phrase, '-r', repository], {
    env: { HOLDFAST_PASSWORD: password, GNUPGHOME: home },
  });
  expect(done.status, done.stderr).toBe(0);
  await shell('gpgconf --kill all', { GNUPGHOME: home });
  await restoreAt('2023-01-02', 'sealed_copy');
  expect(await sumsOf('sealed_copy')).toBe(sums);
});

test('archives that were made to harm are refused', async () => {
  const hostile = place.path('hostile');
  await mkdir(hostile);
  await shell(`python3 - <<'PY'
import tarfile, zipfile, io, zlib, struct
t = tarfile.open('${hostile}/up.tar', 'w'); i = tarfile.TarInfo('../../etc/cron.d/x'); i.size = 1; t.addfile(i, io.BytesIO(b'x')); t.close()
z = zipfile.ZipFile('${hostile}/up.zip', 'w'); z.writestr('a/../../x', 'x'); z.close()
b = io.BytesIO(); z = zipfile.ZipFile(b, 'w', zipfile.ZIP_DEFLATED); z.writestr('bomb', bytes(3000000)); z.close()
d = bytearray(b.getvalue()); open('${hostile}/short.zip', 'wb').write(d[:-40])
at = d.rindex(b'PK\\x01\\x02'); d[at+24:at+28] = struct.pack('<I', 2000000000); open('${hostile}/lie.zip', 'wb').write(d)
PY`);
  const { status, stderr } = await holdfast('import', hostile);
  expect(status).toBe(1);
  expect(stderr).toContain('none of 4 could be read');
  const text = await readFile(`${hostile}/up.tar`);
  expect(text.length).toBeGreaterThan(0);
});
