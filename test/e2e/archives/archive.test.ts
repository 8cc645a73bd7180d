/** An archive of files: exact, never half there, and removed by rules. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeWorkplace, parseLines, runHoldfast, type RunOptions, type RunResult } from '../../../src/cli/testing/run-holdfast.ts';
import { createStorageTarget } from '../../../src/operations/archive/storage-target.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { makeTree } from '../../harness/trees/make-tree.ts';
import { readTree } from '../../harness/trees/read-tree.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const place = await makeWorkplace();
const repository = place.path('repository');
const source = place.path('source');
const holdfast = (words: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  runHoldfast([...words, '-r', repository], { cwd: place.folder, ...options });

async function shell(script: string, cwd = place.folder): Promise<string> {
  const env = { PATH: '/usr/bin:/bin', HOME: place.folder };
  return (await promisify(execFile)('/bin/bash', ['-e', '-o', 'pipefail', '-c', script], { cwd, env, maxBuffer: 2 ** 26 })).stdout;
}

/* A socket has no place in an archive. */
const facts = (folder: string): unknown =>
  [...readTree(folder, new Set(['holes', 'xattrs'])).values()].map(({ facts: each }) => each).filter(({ type }) => type !== 'socket');

beforeAll(async () => {
  await makeTree(source, { seed: 'archive' });
  await shell('head -c 20000000 /dev/urandom > source/large');
  const done = await holdfast(['backup', '--files', source, '--time', '2026-03-01 12:00']);
  if (done.status !== 0 && done.status !== 3) throw new Error(done.stderr);
});
afterAll(() => place.remove());

test.each([
  ['a folder of files', []],
  ['one file', ['--one-file', '--zstd']],
])('%s gives back names, modes, owners, times and links', async (what, words) => {
  const to = place.path(what.replaceAll(' ', '-'));
  const made = await holdfast(['archive', '--to', to, '--json', ...words]);
  expect(made.status, made.stderr).toBe(0);
  expect(parseLines(made.stdout).at(-1)).toMatchObject({ message_type: 'summary', verified: true, encryption: null });
  const [name = ''] = await readdir(to);
  if (name.endsWith('.tar.zst')) await shell(`zstd -dc ${name} | tar x`, to);
  const folder = `${to}/${name.replace('.tar.zst', '')}`;
  const readme = await readFile(`${folder}/README.txt`, 'utf8');
  const commands = readme.split('\n').filter((line) => /^ {4}[^ #]/.test(line));
  await shell(commands.join('\n'), folder);
  expect(facts(`${folder}/restored/files`)).toEqual(facts(source));
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('a run that is killed leaves nothing under the final name, and the next one goes through', async () => {
  const to = place.path('killed');
  for (const words of [[], ['--one-file']]) {
    let isKilled = false;
    const { status } = await holdfast(['archive', '--to', to, '--verbose', ...words], {
      onStderr: (text, kill) => {
        if (isKilled || !/archive files/.test(text)) return;
        isKilled = true;
        setTimeout(() => kill('SIGKILL'), 100);
      },
    });
    const there = (await readdir(to).catch(() => [])).filter((name) => !name.startsWith('.'));
    if (isKilled) expect([status, there]).toEqual([137, []]);
    else expect(status).toBe(0);
    await rm(to, { recursive: true, force: true });
  }
  await mkdir(to);
  await mkdir(`${to}/.holdfast-archive-0123456789ab`);
  await shell('touch -d "3 days ago" killed/.holdfast-archive-0123456789ab');
  expect((await holdfast(['archive', '--to', to])).status).toBe(0);
  const left = await readdir(to);
  expect(left).toHaveLength(1);
  const again = await holdfast(['archive', '--to', to]);
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('has it already')]);
});

test('what is written otherwise than it reads back is told, and not kept', async () => {
  const storage = createLocalStorage(place.path('store'));
  const lying = { ...storage, location: storage.location, get: async () => Buffer.from('other'), stat: (key: string) => storage.stat(key) };
  const target = createStorageTarget(
    {
      ...lying,
      create: () => storage.create(),
      putFile: (...put) => storage.putFile(...put),
      list: (prefix) => storage.list(prefix),
      put: (...put) => storage.put(...put),
      remove: (key) => storage.remove(key),
      close: () => storage.close(),
    },
    { name: 'shop-20260301T120000Z', ending: undefined },
  );
  await target.begin();
  const file = await target.write(
    'notes.txt',
    (async function* bytes() {
      yield Buffer.from('notes');
    })(),
  );
  await expect(target.verify(file)).rejects.toMatchObject({ code: 'archive-mismatch', exitStatus: 4 });
  await target.abandon();
  await target.close();
  expect(await storage.stat('shop-20260301T120000Z/notes.txt')).toBeUndefined();
});

test('a configured archive is made once a point, and its rules keep the newest whatever they say', async () => {
  await writeFile(
    place.path('holdfast.yaml'),
    `application: Shop Née
repositories: { local: ${repository} }
components: { notes: { files: notes } }
archives:
  monthly:
    to: monthly
    file: one
    encrypt: { passphrase: { value: an archive phrase } }
    keep: { monthly: 2 }
    schedule: '0 5 1 * *'
`,
  );
  await mkdir(place.path('notes'));
  const run = (...words: string[]): Promise<RunResult> => runHoldfast(words, { cwd: place.folder });
  for (const [at, day] of ['2026-01-01', '2026-01-20', '2026-02-01', '2026-03-01'].entries()) {
    await writeFile(place.path('notes/today'), day);
    const saved = await run('backup', '--time', `${day} 02:00`);
    expect(saved.status, saved.stderr).toBe(0);
    const made = await run('archive', 'monthly');
    expect(made.status, made.stderr).toBe(0);
    expect(await readdir(place.path('monthly'))).toHaveLength(at + 1);
  }
  const again = await run('archive', 'monthly');
  expect([again.status, again.stderr]).toEqual([0, expect.stringContaining('archived already')]);
  const shown = await run('archive', 'monthly', '--prune', '--dry-run', '--json');
  expect(parseLines(shown.stdout).filter((line) => line['message_type'] === 'remove')).toHaveLength(2);
  expect(await readdir(place.path('monthly'))).toHaveLength(4);
  expect((await run('archive', 'monthly', '--prune')).status).toBe(0);
  const left = (await readdir(place.path('monthly'))).toSorted();
  expect(left).toContain('shop-nee-monthly-20260301T020000Z.tar.gz.gpg');
  expect(left).toContain('shop-nee-monthly-20260201T020000Z.tar.gz.gpg');
  const unknown = await run('archive', 'weekly');
  expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('it names monthly')]);
});

test('what cannot be is said before anything is read', async () => {
  for (const [words, said] of [
    [['--to', place.path('x'), '--class', 'GLACIER'], 'a folder has no storage classes'],
    [['--to', 'rest:http://127.0.0.1:1/'], 'takes repositories, and nothing else'],
    [['--to', place.path('x'), '--age', 'age1x'], 'no age recipient'],
    [['--to', place.path('x'), '--gpg', 'a@b', '--age', 'age1x'], 'not by both'],
    [['--to', place.path('x'), '--component', 'none'], 'a component "none"'],
  ] as const) {
    const { status, stderr } = await holdfast(['archive', ...words]);
    expect(status).not.toBe(0);
    expect(stderr).toContain(said);
  }
  await expect(stat(place.path('x'))).rejects.toThrow('ENOENT');
});
