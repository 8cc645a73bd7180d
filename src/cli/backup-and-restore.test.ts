import { chmod, mkdir, readFile, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitStatus } from '../errors.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, runHoldfast, runRestic } from './testing/run-holdfast.ts';

/* The folders above belong to a snapshot too, and in /tmp somebody always works. */
const place = await makeWorkplace('/var/tmp');
const repository = place.path('repository');
const source = place.path('source');

beforeAll(async () => {
  await mkdir(place.path('source/deep/er'), { recursive: true });
  await writeFile(place.path('source/hello.txt'), 'hello\n');
  await writeFile(place.path('source/deep/er/big.bin'), Buffer.alloc(3_000_000, 'holdfast '));
  await writeFile(place.path('source/skip.tmp'), 'not to be kept');
  await symlink('hello.txt', place.path('source/link'));
});

afterAll(() => place.remove());

describe('a first backup', () => {
  test('creates the repository, says so, and restic agrees with what is in it', async () => {
    const { status, stdout, stderr } = await runHoldfast([
      'backup',
      '-r',
      repository,
      '--files',
      source,
      '--exclude',
      '*.tmp',
      '--tag',
      'nightly,weekly',
    ]);
    expect(stderr).toContain(`created the repository ${repository}`);
    expect(stdout).toMatch(/^point [0-9a-f]{8} saved \(files\): 2 files, 2\.9 MiB \(new data .*; unproven/);
    expect(status).toBe(exitStatus.done);
    expect((await runRestic(repository, ['check', '--read-data'])).status).toBe(0);
    const [snapshot] = JSON.parse((await runRestic(repository, ['snapshots', '--json'])).stdout) as {
      paths: string[];
      tags: string[];
      excludes: string[];
    }[];
    expect(snapshot).toMatchObject({ paths: [source], tags: ['nightly', 'weekly', 'component:files', 'kind:files'], excludes: ['*.tmp'] });
    const listed = (await runRestic(repository, ['ls', 'latest'])).stdout;
    expect(listed).toContain(`${source}/deep/er/big.bin`);
    expect(listed).not.toContain('skip.tmp');
  });

  test('is refused with --no-init', async () => {
    const { status, stderr } = await runHoldfast(['backup', '-r', place.path('nowhere'), '--files', source, '--no-init']);
    expect(status).toBe(exitStatus.noRepository);
    expect(stderr).toContain('holdfast repo init');
  });
});

test('a backup of nothing that is there creates no repository', async () => {
  const { status, stderr } = await runHoldfast(['backup', '-r', place.path('never-made'), '--files', place.path('gone')]);
  expect({ status, stderr: stderr.split('\n')[0] }).toEqual({
    status: exitStatus.failed,
    stderr: `Error: Cannot back up ${place.path('gone')}: it does not exist.`,
  });
  expect(await readdir(place.folder)).not.toContain('never-made');
});

describe('a second backup', () => {
  test('stores nothing again, and its JSON ends with a summary in the words of restic', async () => {
    const { status, stdout } = await runHoldfast(['backup', '-r', repository, '--files', source, '--exclude', '*.tmp', '--json']);
    expect(status).toBe(exitStatus.done);
    const lines = parseLines(stdout);
    expect(lines.slice(0, -1).every((line) => line['message_type'] === 'status')).toBe(true);
    expect(lines.at(-1)).toMatchObject({
      message_type: 'summary',
      files_new: 0,
      files_changed: 0,
      files_unmodified: 2,
      data_blobs: 0,
      total_files_processed: 2,
      problems: 0,
      proven: false,
      components: [{ component: 'files', status: 'saved' }],
    });
    expect(lines.at(-1)?.['snapshot_id']).toMatch(/^[0-9a-f]{64}$/);
  });

  // Tried again where somebody else has worked in /var/tmp in between.
  test('of what has not changed can be skipped, and a dry run stores nothing', { retry: 5 }, async () => {
    const before = await readdir(place.path('repository/snapshots'));
    const skipped = await runHoldfast(['backup', '-r', repository, '--files', source, '--exclude', '*.tmp', '--skip-if-unchanged']);
    expect(skipped).toMatchObject({ status: exitStatus.done, stdout: containing('no point was made') });
    const dry = await runHoldfast(['backup', '-r', repository, '--files', source, '--dry-run', '--json']);
    expect(parseLines(dry.stdout).at(-1)).toMatchObject({ dry_run: true, files_new: 1 });
    expect(await readdir(place.path('repository/snapshots'))).toEqual(before);
  });

  test('is quiet when asked to be', async () => {
    expect(await runHoldfast(['backup', '-r', repository, '--files', source, '-q'])).toMatchObject({
      status: exitStatus.done,
      stdout: '',
      stderr: '',
    });
  });

  test('takes its paths from lists, and its exclusions from files', async () => {
    await writeFile(place.path('list'), `${source}/deep\0${source}/hello.txt\0`);
    await writeFile(place.path('patterns'), '# big ones\n*.bin\n');
    const { stdout } = await runHoldfast([
      'backup',
      '-r',
      repository,
      '--files-from-raw',
      place.path('list'),
      '--exclude-file',
      place.path('patterns'),
      '--host',
      'elsewhere',
      '--time',
      '2026-01-02 03:04:05',
      '--json',
    ]);
    const { stdout: listed } = await runRestic(repository, ['ls', '--json', String(parseLines(stdout).at(-1)?.['snapshot_id'])]);
    expect(parseLines(listed)[0]).toMatchObject({
      hostname: 'elsewhere',
      time: '2026-01-02T03:04:05Z',
      paths: [`${source}/deep`, `${source}/hello.txt`],
    });
    expect(listed).not.toContain('big.bin');
  });
});

describe('what cannot be read', () => {
  test('is told, and everything else is saved: exit status 3', async () => {
    const { status, stdout, stderr } = await runHoldfast(['backup', '-r', repository, '--files', source, place.path('gone')]);
    expect(status).toBe(exitStatus.incomplete);
    expect(stderr).toContain(`problem: ${place.path('gone')}: it does not exist`);
    expect(stdout).toMatch(/^point [0-9a-f]{8} saved/);
  });

  test('is told in JSON on stderr', async () => {
    const { status, stdout, stderr } = await runHoldfast(['backup', '-r', repository, '--files', source, place.path('gone'), '--json']);
    expect(status).toBe(exitStatus.incomplete);
    expect(parseLines(stderr)[0]).toMatchObject({ message_type: 'error', item: place.path('gone'), during: 'archival' });
    expect(parseLines(stdout).at(-1)).toMatchObject({ message_type: 'summary' });
  });

  test('because of its mode', async () => {
    // To root every file is readable.
    const nobody = 65_534;
    const folder = place.path('of-nobody');
    await mkdir(folder);
    await writeFile(join(folder, 'open'), 'open');
    await writeFile(join(folder, 'secret'), 'secret', { mode: 0o000 });
    await chmod(place.folder, 0o755);
    await chmod(folder, 0o777);
    const isRoot = process.getuid?.() === 0;
    const { status, stderr } = await runHoldfast(
      ['backup', '-r', join(folder, 'repository'), '--files', folder, '--exclude', join(folder, 'repository')],
      isRoot ? { uid: nobody } : {},
    );
    expect(stderr).toMatch(/^problem: .*\/secret: .*denied/im);
    expect(status).toBe(exitStatus.incomplete);
    expect((await runHoldfast(['ls', 'latest', '-r', join(folder, 'repository')])).stdout).toContain(`${folder}/open`);
  });

  test('at all is a failure', async () => {
    const { status, stderr } = await runHoldfast(['backup', '-r', repository, '--files', place.path('gone')]);
    expect(status).toBe(exitStatus.failed);
    expect(stderr).toMatch(/^Error: Cannot back up .*gone: it does not exist\.\n/m);
  });
});

describe('restore', () => {
  test('puts files below the target with their whole paths', async () => {
    const target = place.path('target');
    const { status, stdout } = await runHoldfast(['restore', 'latest', '-r', repository, '--path', source, '--target', target, '--verify']);
    expect(status).toBe(exitStatus.done);
    expect(stdout).toMatch(/^point [0-9a-f]{8} \(files\) restored to .*read again and found right/);
    expect(await readFile(`${target}${source}/hello.txt`, 'utf8')).toBe('hello\n');
    expect(await readlink(`${target}${source}/link`)).toBe('hello.txt');
    expect((await stat(`${target}${source}/deep/er/big.bin`)).size).toBe(3_000_000);
  });

  test('puts one folder or one file directly into the target', async () => {
    await runHoldfast(['restore', `latest:${source}/deep`, '-r', repository, '--target', place.path('folder')]);
    expect(await readdir(place.path('folder'))).toEqual(['er']);
    const { stdout } = await runHoldfast([
      'restore',
      `latest:${source}/hello.txt`,
      '-r',
      repository,
      '--target',
      place.path('file'),
      '--json',
    ]);
    expect(await readdir(place.path('file'))).toEqual(['hello.txt']);
    expect(parseLines(stdout).at(-1)).toMatchObject({
      message_type: 'summary',
      files_restored: 1,
      total_files: 1,
      bytes_restored: 6,
      problems: 0,
    });
  });

  test('shows what it would do, and does not do it', async () => {
    const { stdout } = await runHoldfast(['restore', 'latest', '-r', repository, '--target', place.path('never'), '--dry-run']);
    expect(stdout).toContain(`create    file    ${place.path('never')}${source}/hello.txt`);
    await expect(stat(place.path('never'))).rejects.toThrow('ENOENT');
  });

  test('leaves, replaces and removes as it is told to', async () => {
    const target = place.path('mixed');
    const args = ['restore', 'latest', '-r', repository, '--target', target];
    await runHoldfast(args);
    await writeFile(`${target}${source}/hello.txt`, 'changed');
    await writeFile(`${target}${source}/new`, 'new');
    await runHoldfast([...args, '--overwrite', 'never']);
    expect(await readFile(`${target}${source}/hello.txt`, 'utf8')).toBe('changed');
    await runHoldfast([...args, '--delete', '--include', source]);
    expect(await readFile(`${target}${source}/hello.txt`, 'utf8')).toBe('hello\n');
    await expect(stat(`${target}${source}/new`)).rejects.toThrow('ENOENT');
  });

  test('also restores what restic wrote', async () => {
    expect((await runRestic(repository, ['backup', place.path('source/deep'), '--tag', 'by-restic'])).status).toBe(0);
    const target = place.path('of-restic');
    expect((await runHoldfast(['restore', 'latest', '--tag', 'by-restic', '-r', repository, '--target', target])).status).toBe(
      exitStatus.done,
    );
    expect((await stat(`${target}${source}/deep/er/big.bin`)).size).toBe(3_000_000);
    await rm(target, { recursive: true });
  });

  test('says what is wrong with a point, a path or a target', async () => {
    const run = (...args: string[]): ReturnType<typeof runHoldfast> => runHoldfast(['restore', ...args, '-r', repository]);
    expect(await run('ffffffff', '--target', place.path('x'))).toMatchObject({
      status: exitStatus.failed,
      stderr: containing('Cannot find the point "ffffffff"'),
    });
    expect(await run('latest:/no/such', '--target', place.path('x'))).toMatchObject({
      status: exitStatus.failed,
      stderr: containing('Cannot find /no/such'),
    });
    expect(await run('latest', '--target', place.path('source/hello.txt'))).toMatchObject({
      status: exitStatus.failed,
      stderr: containing('it is not a folder'),
    });
    expect(await run('latest')).toMatchObject({ status: exitStatus.usage, stderr: containing('--target') });
    expect(await run('latest', '--target', 'x', '--clean')).toMatchObject({
      status: exitStatus.usage,
      stderr: containing('--clean is for a database'),
    });
  });
});
