import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitStatus } from '../errors.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { mainFile, makeWorkplace, parseLines, password, runHoldfast, runRestic, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const repository = place.path('repository');
const source = place.path('source');
const run = (...args: string[]): Promise<RunResult> => runHoldfast([...args, '-r', repository]);
const content = Buffer.from([0, 255, 10, 13, 27, 128]);
let first = '';
let second = '';

beforeAll(async () => {
  await mkdir(place.path('source/inner'), { recursive: true });
  await writeFile(place.path('source/raw.bin'), content);
  await writeFile(place.path('source/inner/config.yml'), 'a: 1\n');
  await writeFile(place.path('source/bad\n\u001b[31mname'), 'hostile name');
  const save = async (...args: string[]): Promise<string> =>
    String(parseLines((await run('backup', '--files', source, '--json', ...args)).stdout).at(-1)?.['snapshot_id']);
  first = await save('--tag', 'one', '--host', 'web1', '--time', '2026-03-01 02:00:00');
  await appendFile(place.path('source/inner/config.yml'), 'b: 2\n');
  await rename(place.path('source/raw.bin'), place.path('source/moved.bin'));
  second = await save('--tag', 'two', '--host', 'web2', '--time', '2026-03-02 02:00:00');
});

afterAll(() => place.remove());

describe('list', () => {
  test('prints one object a point', async () => {
    const points = parseLines((await run('list', '--json')).stdout);
    expect(points).toHaveLength(2);
    expect(points[0]).toMatchObject({
      message_type: 'point',
      id: first,
      short_id: first.slice(0, 8),
      time: '2026-03-01T02:00:00Z',
      host: 'web1',
      components: ['files'],
      tags: ['one'],
      status: 'complete',
      proven: false,
      snapshots: [first],
      paths: [source],
    });
    expect(Object.keys(points[0] ?? {})).toContain('size');
  });

  test('prints a table, filtered', async () => {
    const { stdout } = await run('list', '--host', 'web2');
    expect(stdout).toContain(second.slice(0, 8));
    expect(stdout).not.toContain(first.slice(0, 8));
    expect(stdout).toContain('unproven');
    expect((await run('list', '--tag', 'none')).stdout).toBe('no points\n');
    expect(parseLines((await run('list', '--latest', '1', '--json')).stdout).map((point) => point['id'])).toEqual([second]);
  });

  test('and show know the points of restic', async () => {
    expect((await runRestic(repository, ['backup', source, '--host', 'by-restic'])).status).toBe(0);
    const shown = parseLines((await run('show', 'latest', '--host', 'by-restic', '--json')).stdout);
    expect(shown).toMatchObject([{ host: 'by-restic', components: ['files'], details: [{ component: 'files', kind: 'files' }] }]);
    expect((await run('show', first.slice(0, 8))).stdout).toMatch(/status +complete, unproven/);
  });
});

describe('ls', () => {
  test('says what restic says', async () => {
    const ours = parseLines((await run('ls', second, '--json')).stdout).filter((line) => line['message_type'] === 'node');
    const theirs = parseLines((await runRestic(repository, ['ls', second, '--json'])).stdout).filter(
      (line) => line['struct_type'] === 'node',
    );
    const comparable = ({ path, type, size, mode, uid, mtime }: Readonly<Record<string, unknown>>): unknown => ({
      path,
      type,
      size,
      mode,
      uid,
      mtime,
    });
    expect(ours.map(comparable)).toEqual(theirs.map(comparable));
  });

  test('cannot be made to write to the terminal by a name', async () => {
    const { stdout } = await run('ls', second, source);
    expect(stdout).toContain('bad\\n\\x1b[31mname');
    expect(stdout).not.toContain('\u001b');
  });

  test('keeps to a folder', async () => {
    expect((await run('ls', `${second}:${source}/inner`)).stdout).toBe(`${source}/inner/config.yml\n`);
    expect((await run('ls', second, source, '--shallow')).stdout).not.toContain('config.yml');
    expect(await run('ls', second, '/nope')).toMatchObject({
      status: exitStatus.failed,
      stderr: containing('Cannot find /nope in the point'),
    });
  });

  test('ends quietly when its reader goes away', async () => {
    const child = spawn(process.execPath, [mainFile, 'ls', second, '-r', repository], {
      env: { PATH: process.env['PATH'] ?? '', HOLDFAST_PASSWORD: password },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('cat', () => {
  test('prints the bytes of a file and nothing else', async () => {
    expect((await run('cat', `${first}:${source}/raw.bin`)).stdoutBytes.equals(content)).toBe(true);
    expect(await run('cat', '2026-03-02 12:00', `${source}/inner/config.yml`)).toMatchObject({
      stdout: 'a: 1\nb: 2\n',
      stderr: `notice: "2026-03-02 12:00" is the point ${second.slice(0, 8)} of 2026-03-02 02:00:00\n`,
    });
    expect(parseLines((await run('show', '2026-03-01', '--json')).stderr)).toEqual([
      { message_type: 'notice', message: `"2026-03-01" is the point ${first.slice(0, 8)} of 2026-03-01 02:00:00` },
    ]);
  });

  test('prints objects of the repository', async () => {
    expect(JSON.parse((await run('cat', '--object', 'snapshot', first.slice(0, 8))).stdout)).toMatchObject({ hostname: 'web1' });
    expect(JSON.parse((await run('cat', '--object', 'config')).stdout)).toMatchObject({ version: 2 });
  });

  test('says what is no file', async () => {
    expect(await run('cat', `${first}:${source}/inner`)).toMatchObject({
      status: exitStatus.failed,
      stderr: containing('it is not a file'),
    });
    expect(await run('cat', first)).toMatchObject({ status: exitStatus.usage });
    expect(await run('cat', `${first}:/nope`)).toMatchObject({
      status: exitStatus.failed,
      stderr: containing('Cannot find /nope'),
    });
  });
});

describe('find and diff', () => {
  test('find files in every point, or in one', async () => {
    const found = parseLines((await run('find', '*.bin', '--tag', 'one', '--tag', 'two', '--json')).stdout);
    expect(found.map((match) => [match['point'], match['short_id'], match['snapshot'], match['path']])).toEqual([
      [first, first.slice(0, 8), first, `${source}/raw.bin`],
      [second, second.slice(0, 8), second, `${source}/moved.bin`],
    ]);
    expect((await run('find', 'CONFIG.*', '-i', '--point', second)).stdout).toBe(
      `in point ${second.slice(0, 8)} of 2026-03-02 02:00:00 (snapshot ${second.slice(0, 8)})\n${source}/inner/config.yml\n`,
    );
    expect((await run('find', 'config.yml', '--oldest', '2099-01-01')).stdout).toBe('');
  });

  test('tell two points apart as restic does', async () => {
    const ours = parseLines((await run('diff', first, second, '--json')).stdout);
    const theirs = (await runRestic(repository, ['diff', first, second])).stdout;
    const changes = ours
      .filter((line) => line['message_type'] === 'change')
      .map((line) => `${String(line['modifier'])}    ${String(line['path'])}`);
    expect(changes).toEqual([`M    ${source}/inner/config.yml`, `+    ${source}/moved.bin`, `-    ${source}/raw.bin`]);
    for (const change of changes) expect(theirs).toContain(change);
    expect(ours.at(-1)).toMatchObject({
      message_type: 'statistics',
      source_snapshot: first,
      target_snapshot: second,
      changed_files: 1,
      added: { files: 1 },
      removed: { files: 1 },
    });
  });
});
