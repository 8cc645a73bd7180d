/** Against the real git, with remotes that are folders. */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { captureToFiles, collectingContext } from '../../../test/harness/postgres/captured-files.ts';
import { runSubprocess } from '../../util/subprocess.ts';
import { createCodeSource } from './code-source.ts';
import { hideCredentials, withoutCredentials } from './remote-url.ts';

let folder: string;
let work: string;
let environment: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-code-'));
  environment = { PATH: process.env['PATH'] ?? '', HOME: folder };
  writeFileSync(
    join(folder, '.gitconfig'),
    '[user]\n name = T\n email = t@example.org\n[init]\n defaultBranch = main\n[diff]\n noprefix = true\n[protocol "file"]\n allow = always\n',
  );
  await git(folder, 'init', '-q', '--bare', 'origin.git');
  await git(folder, 'clone', '-q', `file://${folder}/origin.git`, 'work');
  work = join(folder, 'work');
  write('app.txt', 'one\n');
  write('logo.bin', Buffer.from([0, 1, 2, 255]));
  write('.gitignore', 'ignored\n');
  await commit('first');
  await git(work, 'tag', 'v1.0');
  await git(work, 'push', '-q', '--tags', 'origin', 'main');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function git(where: string, ...args: string[]): Promise<string> {
  const end = await runSubprocess({ file: 'git', args, env: environment, folder: where });
  if (end.status !== 0) throw new Error(`git ${args.join(' ')}: ${end.stderr}`);
  return end.stdout.toString('utf8').trim();
}
const write = (name: string, content: string | Buffer): void => writeFileSync(join(work, name), content);
async function commit(message: string): Promise<void> {
  await git(work, 'add', '-A');
  await git(work, 'commit', '-q', '-m', message);
}
const source = (path = work) => createCodeSource({ component: 'code', path, environment });
const stateOf = async (where: string): Promise<string[]> => [
  await git(where, 'rev-parse', 'HEAD'),
  await git(where, 'diff', 'HEAD', '--binary'),
  await git(where, 'ls-files', '-s'),
];

async function roundTrip(
  prepare: () => void = () => {},
): Promise<{ target: string; facts: Readonly<Record<string, string | number>>; names: string[] }> {
  const captured = await captureToFiles(source());
  try {
    const before = await stateOf(work);
    const names: string[] = [];
    for await (const { path } of captured.list()) names.push(path);
    prepare();
    const target = join(folder, 'target');
    const { facts } = await source(target).restore(captured, {}, collectingContext());
    expect((await stateOf(target)).slice(0, 2)).toEqual(before.slice(0, 2));
    return { target, facts, names: names.toSorted() };
  } finally {
    await captured.remove();
  }
}

test('a pushed commit comes back from the remote; nothing but a description is saved', async () => {
  const { target, facts, names } = await roundTrip();
  expect(names).toEqual(['/code/code.json']);
  expect(facts).toMatchObject({ branch: 'main', changed: 0 });
  expect(await git(target, 'rev-parse', '--abbrev-ref', 'main@{upstream}')).toBe('origin/main');
  expect(await source().describe()).toMatchObject({
    title: `code in ${work} at v1.0`,
    facts: { branch: 'main', tag: 'v1.0', changed: 0, untracked: 0, unpushed: 0, remotes: `origin file://${folder}/origin.git` },
  });
});

test('staged, unstaged, binary, new, deleted and executable: all changes come back, untracked files are named', async () => {
  write('app.txt', 'one\r\nchanged  \n');
  write('logo.bin', Buffer.from([255, 0, 13, 10]));
  write('ünïcode "name"', 'no newline at the end');
  mkdirSync(join(work, 'sub'));
  write('sub/run.sh', '#!/bin/sh\n');
  await git(work, 'add', 'ünïcode "name"', 'sub/run.sh');
  chmodSync(join(work, 'sub/run.sh'), 0o755);
  await git(work, 'rm', '-q', '--cached', '.gitignore');
  rmSync(join(work, '.gitignore'));
  write('untracked', 'x');
  const captured = await captureToFiles(source(join(work, 'sub')));
  const manifest: unknown = JSON.parse(readFileSync(join(captured.folder, 'code/code.json'), 'utf8'));
  expect(manifest).toMatchObject({ subfolder: 'sub', untracked: ['untracked'], unpushed: 0 });
  expect(captured.events).toContainEqual({ type: 'notice', message: expect.stringContaining('1 untracked') as string });
  const target = join(folder, 'target');
  await source(target).restore(captured, {}, collectingContext());
  for (const name of ['app.txt', 'logo.bin', 'ünïcode "name"'])
    expect(readFileSync(join(target, name))).toEqual(readFileSync(join(work, name)));
  expect(existsSync(join(target, '.gitignore'))).toBe(false);
  expect(statSync(join(target, 'sub/run.sh')).mode & 0o111).toBe(0o111);
  await captured.remove();
});

test('commits that no remote has are in the bundle, on whatever branch or tag', async () => {
  await git(work, 'checkout', '-q', '-b', 'feature');
  write('other.txt', 'on a branch');
  await commit('feature');
  const feature = await git(work, 'rev-parse', 'HEAD');
  await git(work, 'checkout', '-q', 'main');
  write('app.txt', 'two\n');
  await commit('unpushed');
  write('app.txt', 'three\n');
  const { target, names } = await roundTrip();
  expect(names).toEqual(['/code/changes.patch', '/code/code.json', '/code/unpushed.bundle']);
  expect(await git(target, 'rev-parse', 'refs/holdfast/bundle/heads/feature')).toBe(feature);
});

test('without any remote, and detached', async () => {
  await git(work, 'remote', 'remove', 'origin');
  await git(work, 'checkout', '-q', '--detach');
  const { target, names } = await roundTrip(() => rmSync(join(folder, 'origin.git'), { recursive: true }));
  expect(names).toContain('/code/unpushed.bundle');
  expect(await git(target, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe('HEAD');
});

test('into an existing clone: its branches are not moved, its changes are not overwritten', async () => {
  const captured = await captureToFiles(source());
  const saved = await git(work, 'rev-parse', 'HEAD');
  const clone = join(folder, 'target');
  await git(folder, 'clone', '-q', `file://${folder}/origin.git`, 'target');
  writeFileSync(join(clone, 'app.txt'), 'mine');
  await expect(source(clone).restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'git-restore-refused' });
  expect(readFileSync(join(clone, 'app.txt'), 'utf8')).toBe('mine');
  await git(clone, 'commit', '-qam', 'mine');
  const mine = await git(clone, 'rev-parse', 'HEAD');
  const context = collectingContext();
  await source(clone).restore(captured, {}, context);
  expect([await git(clone, 'rev-parse', 'HEAD'), await git(clone, 'rev-parse', 'main')]).toEqual([saved, mine]);
  expect(context.collected).toContainEqual({ type: 'notice', message: expect.stringContaining('main') as string });
  for (const path of ['filled', 'target/within']) {
    mkdirSync(join(folder, path));
    writeFileSync(join(folder, path, 'file'), 'x');
    await expect(source(join(folder, path)).restore(captured, {}, collectingContext())).rejects.toMatchObject({
      code: 'git-restore-refused',
    });
  }
  await captured.remove();
});

test('credentials of remotes are neither saved nor shown, and the lost commit is named', async () => {
  await git(work, 'remote', 'set-url', 'origin', 'https://me:ghp-geheim@127.0.0.1:1/x.git?token=geheim2');
  await git(work, 'config', 'remote.second.url', 'http://geheim3@127.0.0.1:1/y.git');
  const captured = await captureToFiles(source());
  const json = readFileSync(join(captured.folder, 'code/code.json'), 'utf8');
  expect(json).toContain('https://127.0.0.1:1/x.git');
  const description = await source().describe();
  const error: unknown = await source(join(folder, 'target'))
    .restore(captured, { remote: 'http://me:geheim4@127.0.0.1:1/z.git' }, collectingContext())
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'git-failed' });
  expect(json + JSON.stringify(description) + JSON.stringify(error) + String(error)).not.toContain('geheim');
  /* A mirror has it. */
  rmSync(join(folder, 'target'), { recursive: true });
  await source(join(folder, 'target')).restore(captured, { remote: `file://${folder}/origin.git` }, collectingContext());
  expect(readFileSync(join(folder, 'target/app.txt'), 'utf8')).toBe('one\n');
  await captured.remove();
  expect(withoutCredentials('ssh://git:pw@host:22/a.git')).toBe('ssh://git@host:22/a.git');
  expect(withoutCredentials('git@host:a/b.git')).toBe('git@host:a/b.git');
  expect(withoutCredentials('https://u:p/w@host/a.git')).toBe('https://host/a.git');
  expect(hideCredentials("unable to access 'https://u:p@host/a?x=y': no")).toBe("unable to access 'https://host/a': no");
});

test('submodules are noted', async () => {
  cpSync(join(folder, 'origin.git'), join(folder, 'library.git'), { recursive: true });
  await git(work, 'submodule', '--quiet', 'add', `file://${folder}/library.git`, 'lib');
  await commit('with a library');
  const captured = await captureToFiles(source());
  expect(JSON.parse(readFileSync(join(captured.folder, 'code/code.json'), 'utf8'))).toMatchObject({
    submodules: [{ path: 'lib', url: `file://${folder}/library.git`, commit: await git(join(work, 'lib'), 'rev-parse', 'HEAD') }],
  });
  const context = collectingContext();
  await source(join(folder, 'target')).restore(captured, {}, context);
  expect(context.collected).toContainEqual({ type: 'notice', message: expect.stringContaining('git submodule update') as string });
  await captured.remove();
});

test('what cannot be saved says why: no work tree, no commit, no git; hostile captures run nothing', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  await expect(source(empty).describe()).rejects.toMatchObject({ code: 'git-not-a-work-tree' });
  await git(empty, 'init', '-q');
  await expect(source(empty).describe()).rejects.toMatchObject({
    code: 'git-not-a-work-tree',
    details: { reason: 'it has no commit yet' },
  });
  await expect(source(join(folder, 'absent')).describe()).rejects.toMatchObject({ code: 'git-not-a-work-tree' });
  const without = createCodeSource({ component: 'code', path: work, environment: { PATH: '/nowhere' } });
  await expect(without.describe()).rejects.toMatchObject({ code: 'git-missing' });

  await git(work, 'remote', 'remove', 'origin');
  const captured = await captureToFiles(source());
  const path = join(captured.folder, 'code/code.json');
  const good = readFileSync(path, 'utf8');
  const evil = join(folder, 'evil');
  rmSync(join(captured.folder, 'code/unpushed.bundle'));
  for (const url of [`ext::touch ${evil}`, `--upload-pack=touch ${evil}`]) {
    writeFileSync(path, good.replace('"remotes": []', `"remotes": [{"name": "o", "url": ${JSON.stringify(url)}}]`));
    await expect(source(join(folder, 'target')).restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'git-failed' });
    rmSync(join(folder, 'target'), { recursive: true });
  }
  for (const [from, to] of [
    ['"branch": "main"', '"branch": "--orphan"'],
    [/"commit": "\w+"/, '"commit": "--all"'],
  ] as const) {
    writeFileSync(path, good.replace(from, to));
    await expect(source(join(folder, 'target')).restore(captured, {}, collectingContext())).rejects.toMatchObject({ code: 'damaged' });
  }
  expect(existsSync(evil)).toBe(false);
  await captured.remove();
});

test('its fingerprint is the same for as long as a capture would be', async () => {
  const seen = new Set<unknown>();
  const look = async (): Promise<number> => {
    const [first, second] = [await source().describe(), await source().describe()];
    expect(second.facts['fingerprint']).toBe(first.facts['fingerprint']);
    return seen.add(first.facts['fingerprint']).size;
  };
  expect(await look()).toBe(1);
  write('app.txt', 'two\n');
  expect(await look()).toBe(2);
  write('app.txt', 'six\n');
  expect(await look()).toBe(3);
  await commit('second');
  expect(await look()).toBe(4);
  await git(work, 'commit', '-q', '--amend', '-m', 'second, said otherwise');
  await git(work, 'branch', 'aside', 'HEAD~');
  expect(await look()).toBe(5);
  write('new.txt', '');
  expect(await look()).toBe(6);
  rmSync(join(work, 'new.txt'));
  expect(await look()).toBe(5 + 1);
});
