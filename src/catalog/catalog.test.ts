import { execFile, spawn } from 'node:child_process';
import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { SmallDisk } from '../../test/harness/disks/small-disk.ts';
import type { Clock } from '../util/clock.ts';
import { catalogFile } from './catalog-database.ts';
import { type Catalog, openCatalog } from './catalog.ts';

const above = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'));
afterAll(() => rm(above, { recursive: true, force: true }));

const dayMs = 86_400_000;
const start = new Date('2026-03-01T12:00:00Z');
const folder = () => mkdtemp(join(above, 'state-'));
const program = fileURLToPath(new URL('./testing/use-catalog.ts', import.meta.url));

function movableClock(): Clock & { time: number } {
  return {
    time: start.getTime(),
    now() {
      return new Date(this.time);
    },
  };
}

function backups(catalog: Catalog, count: number): void {
  for (let each = 0; each < count; each++)
    catalog.beginRun({ kind: 'backup', trigger: 'schedule' }).end({ status: 'done', exit: 0, facts: { bytes: each } });
}

test('a run is kept with all that is known of it', async () => {
  const clock = movableClock();
  const at = await folder();
  const catalog = openCatalog(at, clock);
  const due = new Date(start.getTime() - 60_000);
  const run = catalog.beginRun({ kind: 'backup', trigger: 'schedule', job: 'backup:database', due, components: ['database'] });
  run.note({ application: 'shop', configuration: '/srv/shop/holdfast.yaml', repository: '/backups' });
  expect(catalog.runs()).toMatchObject([{ status: 'running', application: 'shop', pid: process.pid }]);
  clock.time += 5000;
  run.end({
    status: 'failed',
    exit: 1,
    facts: { bytes: 12, seconds: 5 },
    error: { code: 'locked', message: 'Cannot lock.', hint: 'Wait.' },
  });
  run.end({ status: 'done', exit: 0 });
  catalog.close();
  const again = openCatalog(at, clock);
  expect(again.runs()).toEqual([
    expect.objectContaining({
      kind: 'backup',
      application: 'shop',
      configuration: '/srv/shop/holdfast.yaml',
      repository: '/backups',
      trigger: 'schedule',
      job: 'backup:database',
      due,
      components: ['database'],
      began: start,
      ended: new Date(start.getTime() + 5000),
      status: 'failed',
      exit: 1,
      facts: { bytes: 12, seconds: 5 },
      error: { code: 'locked', message: 'Cannot lock.', hint: 'Wait.' },
    }),
  ]);
  again.close();
  expect((await stat(join(at, catalogFile))).mode & 0o777).toBe(0o600);
});

test('runs are found by what is asked, the newest first', async () => {
  const clock = movableClock();
  const catalog = openCatalog(await folder(), clock);
  for (const [kind, components] of [
    ['backup', ['database']],
    ['backup', []],
    ['backup', ['uploads']],
    ['check', []],
  ] as const) {
    clock.time += 1000;
    catalog.beginRun({ kind, components, trigger: 'person', repository: kind }).end({ status: kind === 'check' ? 'failed' : 'done' });
  }
  expect(catalog.runs({ component: 'database', kind: 'backup' }).map(({ components }) => components)).toEqual([[], ['database']]);
  expect(catalog.runs({ status: 'failed' })).toMatchObject([{ kind: 'check' }]);
  expect(catalog.runs({ limit: 2 }).map(({ kind }) => kind)).toEqual(['check', 'backup']);
  expect(catalog.runs({ since: new Date(clock.time) })).toHaveLength(1);
  expect(catalog.runs({ repository: 'nowhere' })).toEqual([]);
  catalog.close();
});

test('a run whose process was killed is marked, and one that still runs is not', async () => {
  const clock = movableClock();
  const at = await folder();
  const catalog = openCatalog(at, clock);
  const own = catalog.beginRun({ kind: 'backup', trigger: 'person' });
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, at, 'hang'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(catalog.markInterrupted()).toEqual([]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(catalog.markInterrupted()).toMatchObject([{ pid: child.pid, status: 'interrupted', job: 'hung' }]);
  expect(catalog.markInterrupted()).toEqual([]);
  expect(catalog.runs({ status: 'interrupted' })).toMatchObject([{ pid: child.pid }]);
  own.end({ status: 'done' });
  expect(catalog.runs({ status: 'running' })).toEqual([]);
  catalog.close();
});

test('several processes write at once, and nothing is lost', async () => {
  const at = await folder();
  const processes = Array.from({ length: 4 }, () =>
    promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', program, at, '50']),
  );
  await Promise.all(processes);
  const catalog = openCatalog(at, movableClock());
  expect(catalog.runs()).toHaveLength(200);
  expect(catalog.alarms.list('counter')).toEqual([{ id: 'all', text: '200' }]);
  catalog.close();
});

test.each([
  ['no database at all', (path: string) => writeFile(path, 'this is no database, whatever its name says'.repeat(500))],
  [
    'damaged in the middle',
    async (path: string) => {
      const { size } = await stat(path);
      const handle = await open(path, 'r+');
      await handle.write(Buffer.alloc(size - 4096, 0x5a), 0, size - 4096, 4096);
      await handle.close();
    },
  ],
])('a file that is %s is set aside and begun anew', async (_, harm) => {
  const at = await folder();
  const clock = movableClock();
  const before = openCatalog(at, clock);
  backups(before, 300);
  before.close();
  await harm(join(at, catalogFile));
  const notices: string[] = [];
  clock.time += 2 * dayMs;
  const catalog = openCatalog(at, clock, { onNotice: (message) => notices.push(message) });
  backups(catalog, 2);
  expect(catalog.runs()).toHaveLength(2);
  expect(notices).toEqual([expect.stringContaining('was damaged; it is kept as')]);
  expect((await readdir(at)).filter((name) => name.startsWith('catalog-damaged-'))).toHaveLength(1);
  catalog.close();
});

test('who has the file open finds the new one after another process set it aside', async () => {
  const at = await folder();
  const catalog = openCatalog(at, movableClock());
  backups(catalog, 1);
  await rm(join(at, catalogFile));
  backups(catalog, 2);
  expect(catalog.runs()).toHaveLength(2);
  catalog.close();
});

test('the file of a newer program is left as it is', async () => {
  const at = await folder();
  const path = join(at, catalogFile);
  const newer = new DatabaseSync(path);
  newer.exec('CREATE TABLE runs (something TEXT); PRAGMA user_version = 99');
  newer.close();
  const before = await readFile(path);
  expect(() => openCatalog(at, movableClock())).toThrow(expect.objectContaining({ code: 'catalog-newer' }));
  expect((await readFile(path)).equals(before)).toBe(true);
});

test('a folder that cannot be made is a failure with a reason', async () => {
  const file = join(await folder(), 'file');
  await appendFile(file, 'x');
  expect(() => openCatalog(join(file, 'below'), movableClock())).toThrow(expect.objectContaining({ code: 'catalog-failed' }));
});

test.skipIf(process.getuid?.() !== 0)('a full disk is a failure with a reason, and harms nothing', async () => {
  using disk = new SmallDisk(await folder(), 2);
  const catalog = openCatalog(disk.folder, movableClock());
  backups(catalog, 3);
  disk.fill();
  // What still has a place in the files goes on for a while.
  expect(() => backups(catalog, 5000)).toThrow(expect.objectContaining({ code: 'catalog-failed' }));
  disk.relieve();
  const before = catalog.runs({ limit: 10_000 }).length;
  expect(before).toBeGreaterThanOrEqual(3);
  backups(catalog, 1);
  expect(catalog.runs({ limit: 10_000 })).toHaveLength(before + 1);
  catalog.close();
});

test('runs that are old go, and the file does not grow with the days', async () => {
  const at = await folder();
  const clock = movableClock();
  const sizes: number[] = [];
  for (let day = 0; day < 500; day += 20) {
    const catalog = openCatalog(at, clock);
    backups(catalog, 20);
    catalog.close();
    sizes.push((await stat(join(at, catalogFile))).size);
    clock.time += 20 * dayMs;
  }
  const catalog = openCatalog(at, clock);
  const oldest = catalog.runs().at(-1)?.began.getTime() ?? 0;
  expect(clock.time - oldest).toBeLessThanOrEqual(400 * dayMs);
  expect(sizes.at(-1)).toBeLessThanOrEqual((sizes[21] ?? 0) + 16_384);
  catalog.close();
});

test('schedules, leases, alarms, heads and notes are kept', async () => {
  const at = await folder();
  const clock = movableClock();
  const catalog = openCatalog(at, clock);
  expect(catalog.schedules.see('daily')).toEqual({ added: start });
  catalog.schedules.served('daily', new Date(500));
  catalog.schedules.served('daily', new Date(400));
  catalog.schedules.see('gone');
  catalog.schedules.retain((job) => job === 'daily');
  expect([...catalog.schedules.all()]).toEqual([['daily', { added: start, lastDueRun: new Date(500) }]]);

  expect(catalog.leases.take('daemon', 'one', 1000)).toBe(true);
  expect(catalog.leases.take('daemon', 'two', 1000)).toBe(false);
  catalog.leases.release('daemon', 'two');
  clock.time += 1000;
  expect(catalog.leases.take('daemon', 'two', 1000)).toBe(true);
  expect(catalog.leases.holder('daemon')).toBe('two');

  for (const id of ['b', 'a', 'b']) catalog.alarms.put('alarm', { id, text: `${id}!` });
  expect(() =>
    catalog.alarms.transact(() => {
      catalog.alarms.remove('alarm', 'a');
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(catalog.alarms.list('alarm').map(({ id }) => id)).toEqual(['b', 'a']);

  const hash = 'a'.repeat(64);
  catalog.auditHeads.note('repository', 'host', { sequence: 5, hash });
  catalog.auditHeads.note('repository', 'host', { sequence: 4, hash });
  expect(catalog.auditHeads.get('repository', 'host')).toEqual({ sequence: 5, hash });
  catalog.auditHeads.note('repository', 'host', { sequence: 4, hash }, { replace: true });
  expect([...catalog.auditHeads.all('repository')]).toEqual([['host', { sequence: 4, hash }]]);

  catalog.auditWaiting.add('for any');
  catalog.auditWaiting.add('for one', 'one');
  expect(catalog.auditWaiting.list('two').map(({ text }) => text)).toEqual(['for any']);
  for (const { number } of catalog.auditWaiting.list('one')) catalog.auditWaiting.remove(number);
  expect(catalog.auditWaiting.list('one')).toEqual([]);

  catalog.notes.set('seen', 'x');
  catalog.notes.set('seen', 'y');
  expect(catalog.notes.get('seen')).toBe('y');
  catalog.close();
});
