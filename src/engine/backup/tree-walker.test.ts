import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareTrees } from '../../../test/harness/trees/compare-trees.ts';
import { listNodes } from '../browse/list-nodes.ts';
import type { Repository } from '../repository.ts';
import { loadSnapshots } from '../snapshots/load-snapshots.ts';
import { readId, readObject, readStrings } from '../../util/wire.ts';
import { backUpTree, makeBench, type BackupBench } from './testing/backup-bench.ts';

const isRoot = process.getuid?.() === 0;
let bench: BackupBench;
let repository: Repository;
beforeAll(async () => {
  bench = await makeBench();
  repository = await bench.open();
});
afterAll(() => bench[Symbol.dispose]());

/** The paths in the newest snapshot below a folder, relative to it. */
async function pathsBelow(folder: string): Promise<string[]> {
  const snapshot = (await loadSnapshots(repository)).at(-1);
  if (snapshot === undefined) throw new Error('there is no snapshot');
  const paths: string[] = [];
  for await (const { path } of listNodes(repository, snapshot, folder))
    if (path.startsWith(`${folder}/`)) paths.push(path.slice(folder.length + 1));
  return paths.sort();
}

function makeFiles(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(`${folder}/${name}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(`${folder}/${name}`, content);
  }
  return folder;
}

describe('what is left out', () => {
  const signature = 'Signature: 8a477f597d28d172789f06886806bc55\n';

  test('patterns, caches, tagged folders, large files', async () => {
    const tree = makeFiles(bench.at('select'), {
      'keep.txt': 'k',
      'drop.tmp': 'd',
      'sub/DROP.TMP': 'd',
      'sub/Photo.JPG': 'p',
      'node_modules/x/y': 'y',
      'cache/CACHEDIR.TAG': signature,
      'cache/entry': 'e',
      'nocache/CACHEDIR.TAG': 'Signature: something else',
      'nocache/entry': 'e',
      'private/.nobackup': '',
      'private/secret': 's',
      'large/just': 'x'.repeat(1000),
      'large/over': 'x'.repeat(1001),
    });
    const { problems } = await backUpTree(repository, [tree], {
      exclude: ['*.tmp', 'node_modules'],
      excludeInsensitive: ['*.jpg'],
      excludeCaches: true,
      excludeIfPresent: ['.nobackup'],
      excludeLargerThan: 1000,
    });
    expect(await pathsBelow(tree)).toEqual(
      [
        'cache',
        'cache/CACHEDIR.TAG',
        'keep.txt',
        'large',
        'large/just',
        'nocache',
        'nocache/CACHEDIR.TAG',
        'nocache/entry',
        'private',
        'private/.nobackup',
        'sub',
        'sub/DROP.TMP',
      ].sort(),
    );
    expect(problems).toEqual([expect.stringContaining('nocache/CACHEDIR.TAG')]);
  });

  test.runIf(isRoot)('other file systems, but for the folder they are mounted on', async () => {
    const tree = makeFiles(bench.at('mounts'), { 'here/file': 'here', 'mounted/under': 'hidden by the mount' });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', `${tree}/mounted`]);
    try {
      makeFiles(`${tree}/mounted`, { 'elsewhere/file': 'elsewhere' });
      await backUpTree(repository, [tree], { oneFileSystem: true });
      expect(await pathsBelow(tree)).toEqual(['here', 'here/file', 'mounted']);
      // What is named itself is always taken.
      await backUpTree(repository, [`${tree}/mounted`, `${tree}/here`], { oneFileSystem: true });
      expect(await pathsBelow(tree)).toEqual(['here', 'here/file', 'mounted', 'mounted/elsewhere', 'mounted/elsewhere/file']);
      await backUpTree(repository, [tree]);
      expect(await pathsBelow(tree)).toContain('mounted/elsewhere/file');
    } finally {
      execFileSync('umount', [`${tree}/mounted`]);
    }
  });
});

describe('roots', () => {
  test('inside one another, twice, with dots, a single file, through a link', async () => {
    const tree = makeFiles(bench.at('roots'), { 'a/one': '1', 'a/b/two': '2', 'c/three': '3', 'c/four': '4', 'real/five': '5' });
    symlinkSync('real', `${tree}/linked`);
    const { problems, summary } = await backUpTree(repository, [
      `${tree}/a/b`,
      `${tree}/a`,
      `${tree}/a/`,
      `${tree}/c/./x/../three`,
      `${tree}/linked/five`,
    ]);
    expect(problems).toEqual([]);
    expect(await pathsBelow(tree)).toEqual(['a', 'a/b', 'a/b/two', 'a/one', 'c', 'c/three', 'linked', 'linked/five']);
    expect(summary.filesNew).toBe(4);
    bench.restic.run(['check']);
  });

  test('that are not there, or lie below a file, are reported; the rest is saved', async () => {
    const tree = makeFiles(bench.at('missing'), { file: 'f', good: 'g' });
    symlinkSync('nowhere', `${tree}/broken`);
    const { problems } = await backUpTree(repository, [`${tree}/none`, `${tree}/file/below`, `${tree}/broken/below`, `${tree}/good`]);
    expect(problems.length).toBe(3);
    expect(await pathsBelow(tree)).toEqual(['good']);
    bench.restic.run(['check']);
  });
});

describe('what cannot be read', () => {
  test.runIf(isRoot)('files and folders without permission, by a user who is not root: reported, and the rest is saved', async () => {
    const tree = makeFiles(bench.at('forbidden'), { 'open/file': 'fine', 'closed/file': 'never seen', 'open/secret': 'not for you' });
    chmodSync(`${tree}/closed`, 0o000);
    chmodSync(`${tree}/open/secret`, 0o000);
    for (const path of [bench.folder, bench.path]) chmodSync(path, 0o755);
    execFileSync('chown', ['-R', '65534:65534', bench.path, tree]);
    const script = fileURLToPath(new URL('testing/back-up-as-somebody.ts', import.meta.url));
    const output = execFileSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, script, bench.path, tree],
      {
        encoding: 'utf8',
        env: { ...process.env, HOME: '/', TMPDIR: '/tmp' },
      },
    );
    const { problems, snapshotId } = readObject(JSON.parse(output), 'the output');
    expect(
      readStrings(problems, 'problems')
        .toSorted()
        .map((line) => line.replace(/: .*/, '')),
    ).toEqual([`${tree}/closed`, `${tree}/open/secret`]);
    expect(readId(snapshotId, 'the snapshot')).toBeDefined();
    execFileSync('chown', ['-R', '0:0', bench.path]);
    repository = await bench.open();
    expect(await pathsBelow(tree)).toEqual(['closed', 'open', 'open/file']);
    bench.restic.run(['check']);
  });

  test('files that vanish while the folder is walked: reported or never seen, and a snapshot that restic accepts', async () => {
    const tree = bench.at('vanishing');
    const names = Array.from({ length: 2500 }, (_, at) => `${at % 40}/file-${at}`);
    makeFiles(tree, Object.fromEntries(names.map((name) => [name, `content of ${name} `.repeat(20)])));
    const racer = spawn('sh', ['-c', 'echo ready; read go; for d in "$0"/*; do rm -f "$d"/*[02468]; done; rm -rf "$0"/1*', tree], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await once(racer.stdout, 'data');
    const ended = once(racer, 'exit');
    const { summary, problems } = await backUpTree(
      repository,
      [tree],
      {},
      { told: (event) => event.type === 'phase' && racer.stdin.write('go\n') },
    );
    await ended;
    expect(summary.snapshotId).toMatch(/^[0-9a-f]{64}$/);
    for (const problem of problems) expect(problem).toMatch(/ENOENT|ENOTDIR|no such file/i);
    bench.restic.run(['check', '--read-data']);
    const stored = new Set(await pathsBelow(tree));
    expect(readdirSync(tree, { recursive: true, encoding: 'utf8' }).filter((name) => !stored.has(name))).toEqual([]);
  });

  test('files that grow and shrink while they are read, and a FIFO that takes the place of a file', async () => {
    const tree = makeFiles(bench.at('moving'), { 'steady': 'steady', 'z/last': 'last' });
    for (const name of ['growing', 'shrinking', 'pipe']) writeFileSync(`${tree}/${name}`, Buffer.alloc(12_000_000, name));
    const changer = spawn(
      'sh',
      [
        '-c',
        'echo ready; while kill -0 "$PPID" 2>/dev/null; do echo more >> "$0/growing"; truncate -s 1000 "$0/shrinking"; truncate -s 11000000 "$0/shrinking"; rm -f "$0/pipe"; mkfifo "$0/pipe"; rm -f "$0/pipe"; head -c 2000000 /dev/zero > "$0/pipe"; done',
        tree,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(changer.stdout, 'data');
    try {
      for (let round = 0; round < 3; round++) {
        const { summary } = await backUpTree(repository, [tree], {}, { force: true });
        expect(summary.snapshotId).toMatch(/^[0-9a-f]{64}$/);
        const paths = await pathsBelow(tree);
        for (const name of ['steady', 'growing', 'shrinking', 'z/last']) expect(paths).toContain(name);
      }
    } finally {
      changer.kill();
    }
    bench.restic.run(['check', '--read-data']);
  });

  test('a growing file is reported when it is seen', async () => {
    const file = bench.at('log');
    writeFileSync(file, Buffer.alloc(30_000_000, 'line\n'));
    let added = 0;
    const { problems, summary } = await backUpTree(
      repository,
      [file],
      {},
      {
        told: (event) => {
          if (event.type === 'phase' && event.phase === 'backing up') {
            const timer = setInterval(() => (appendFileSync(file, 'more\n'), ++added > 400 && clearInterval(timer)), 1);
          }
        },
      },
    );
    expect(problems.every((line) => line.endsWith('it changed while it was read'))).toBe(true);
    expect(summary.problems).toBe(problems.length);
  });
});

describe('size and depth', () => {
  test('a folder of 25 000 entries, whose tree is larger than a chunk, and again with one more', async () => {
    const tree = bench.at('wide');
    mkdirSync(tree);
    const name = (at: number): string => `${'a-long-name-so-that-the-tree-exceeds-eight-mebibytes-'.repeat(2)}${at}`;
    for (let at = 0; at < 25_000; at++) symlinkSync('target', `${tree}/${name(at)}`);
    const first = await backUpTree(repository, [tree]);
    expect(first.problems).toEqual([]);
    expect(first.summary.dataAdded).toBeGreaterThan(8 * 1024 * 1024);
    const unchanged = await backUpTree(repository, [tree]);
    expect(unchanged.summary.dataAdded).toBeLessThan(100_000);
    writeFileSync(`${tree}/new`, 'new');
    const again = await backUpTree(repository, [tree]);
    expect(again.summary).toMatchObject({ filesNew: 1, dataBlobs: 1 });
    expect((await pathsBelow(tree)).length).toBe(25_001);
    bench.restic.run(['check']);
    rmSync(tree, { recursive: true });
  });

  test('folders 1000 deep', async () => {
    const tree = bench.at('deep');
    const deepest = `${tree}${'/d'.repeat(1000)}`;
    mkdirSync(deepest, { recursive: true });
    writeFileSync(`${deepest}/file`, 'at the bottom');
    utimesSync(`${deepest}/file`, 1, 1);
    const first = await backUpTree(repository, [tree]);
    expect([first.problems, first.summary.filesNew]).toEqual([[], 1]);
    const second = await backUpTree(repository, [tree]);
    expect(second.summary.filesUnmodified).toBe(1);
    expect(second.summary.dirsUnmodified).toBeGreaterThan(1000);
    expect(compareTrees(tree, `${bench.restore()}${tree}`)).toEqual([]);
    truncateSync(`${deepest}/file`);
    expect((await backUpTree(repository, [tree])).summary).toMatchObject({ filesChanged: 1, dirsUnmodified: 0 });
  });
});
