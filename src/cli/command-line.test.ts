import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { exitStatus } from '../errors.ts';
import { commandList } from './command-list.ts';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { mainFile, makeWorkplace, parseLines, password, runHoldfast } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
afterAll(() => place.remove());

describe('help', () => {
  test('lists every command, and no arguments show it too', async () => {
    const { status, stdout, stderr } = await runHoldfast(['--help']);
    expect({ status, stderr }).toEqual({ status: exitStatus.done, stderr: '' });
    expect(stdout).toContain('Usage: holdfast');
    for (const [name, { summary }] of Object.entries(commandList)) if (!name.includes(' ')) expect(stdout).toContain(summary);
    expect((await runHoldfast([])).stdout).toBe(stdout);
  });

  test('of a command has its options and an example', async () => {
    const { status, stdout } = await runHoldfast(['key', 'add', '--help']);
    expect(status).toBe(exitStatus.done);
    expect(stdout).toContain('--new-password-file');
    expect(stdout).toMatch(/Example:\n {2}holdfast key add /);
  });

  test('and the version need no repository', async () => {
    expect((await runHoldfast(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(parseLines((await runHoldfast(['version', '--json'])).stdout)).toMatchObject([
      { message_type: 'version', node: process.version },
    ]);
  });
});

test.each([[['help', 'restore']], [['ls', '--help']], [[]], [['--version']], [['key', '--help']]])(
  '%j ends quietly when its reader goes away',
  async (args) => {
    const child = spawn(process.execPath, [mainFile, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: '' });
  },
);

describe('a wrong command line', () => {
  test.each([
    [['bakup'], "unknown command 'bakup'; did you mean backup"],
    [['backup', '--fiels', 'x'], "unknown option '--fiels'; did you mean --files"],
    [['key', 'ad'], "unknown command 'ad'; did you mean add"],
    [['key'], 'only the first half of a command'],
    [['diff', 'latest'], "missing required argument 'to'"],
    [['list', 'surplus'], 'too many arguments'],
    [['backup', '--compression', 'fast'], "argument 'fast' is invalid. Allowed are auto, off, max"],
    [['backup', '-r'], "option '-r, --repo <url>' argument missing"],
    [['backup', 'uploads', '-r', 'x'], '"uploads" is a component'],
    [['backup', '-r', 'x'], 'nothing was named'],
    [['backup', '-r', 'x', '-r', 'y', '--files', '/'], 'one repository at a time'],
    [['backup', '-r', 'x', '--files', '/', '--postgres', 'postgresql://h/d', '--component', 'c'], 'there are several'],
    [['backup', '-r', 'x', '--files', '/', '--tag', 'point:x'], 'begins with a word that holdfast uses itself'],
    [['backup', '-r', 'x', '--files', '/', '--exclude-larger-than', 'huge'], '--exclude-larger-than "huge" is not a size'],
    [['restore', '-r', 'x', '--target', 'y', '--postgres', 'z'], '--target and --postgres exclude each other'],
    [['completion', 'tcsh'], 'none of bash, zsh, fish'],
  ])('%j says what is wrong', async (args, text) => {
    const { status, stdout, stderr } = await runHoldfast(args, { cwd: place.folder });
    expect(stderr).toContain(text);
    expect(stderr).toMatch(/^(Error: Cannot [^\n]+\.\n[^\n]+\n)$/);
    expect({ status, stdout }).toEqual({ status: exitStatus.usage, stdout: '' });
  });

  test('is an exit_error with --json', async () => {
    const { status, stderr } = await runHoldfast(['bakup', '--json']);
    expect(status).toBe(exitStatus.usage);
    expect(parseLines(stderr)).toMatchObject([{ message_type: 'exit_error', code: exitStatus.usage, error: 'usage' }]);
  });
});

test('a full disk behind stdout is a failure', async () => {
  await writeFile(place.path('data'), 'data');
  const repository = place.path('repository');
  await runHoldfast(['backup', '-r', repository, '--files', place.path('data')]);
  const full = openSync('/dev/full', 'w');
  try {
    const { status, stderr } = spawnSync(process.execPath, [mainFile, 'list', '-r', repository], {
      env: { PATH: process.env['PATH'] ?? '', HOLDFAST_PASSWORD: password },
      stdio: ['ignore', full, 'pipe'],
    });
    expect(stderr.toString()).toContain('Cannot write the output');
    expect(status).toBe(exitStatus.failed);
    const help = spawnSync(process.execPath, [mainFile, 'ls', '--help'], { stdio: ['ignore', full, 'pipe'] });
    expect({ status: help.status, stderr: help.stderr.toString() }).toEqual({
      status: exitStatus.failed,
      stderr: containing('Cannot write the output'),
    });
  } finally {
    closeSync(full);
  }
});
