/** `./holdfast` hands everything on to Node: arguments, folder, exit status, signals. A small program stands in for the command line. */
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot, runProgram } from '../../scripts/run-program.ts';

const standIn = `
const [, file = '', ...words] = process.argv;
if (words[0] === 'end' && process.ppid === Number(words[1])) process.kill(process.pid, 'SIGTERM');
else console.log(JSON.stringify({ file, words, folder: process.cwd() }));
process.exitCode = 7 satisfies number;
`;

let house: string;

beforeAll(async () => {
  house = await realpath(await mkdtemp(join(tmpdir(), 'holdfast launcher ')));
  await mkdir(join(house, 'src/cli'), { recursive: true });
  await mkdir(join(house, 'bin/deep'), { recursive: true });
  await copyFile(join(projectRoot, 'holdfast'), join(house, 'holdfast'));
  await symlink(join(projectRoot, 'node_modules'), join(house, 'node_modules'));
  await symlink('../holdfast', join(house, 'bin/relative'));
  await symlink(join(house, 'bin/relative'), join(house, 'bin/deep/absolute'));
  await writeFile(join(house, 'src/cli/main.ts'), standIn);
});

afterAll(() => rm(house, { recursive: true, force: true }));

test.each([
  ['./holdfast', '.'],
  ['holdfast', '.'],
  ['./bin/relative', '.'],
  ['../../bin/deep/absolute', 'bin/deep'],
])('%s, called in %s, keeps arguments, folder and exit status', async (launcher, folder) => {
  const cwd = join(house, folder);
  const command = launcher.includes('/') ? launcher : join(house, launcher);
  const { status, output } = await runProgram(command, ['restore', 'two words', '$HOME', '', '*'], environment(cwd));
  expect(JSON.parse(output)).toEqual({
    file: join(house, 'src/cli/main.ts'),
    words: ['restore', 'two words', '$HOME', '', '*'],
    folder: cwd,
  });
  expect(status).toBe(7);
});

test('is found through PATH', async () => {
  const { output } = await runProgram('/bin/sh', ['-c', 'PATH="$PWD/bin:$PATH"; cd /; relative list'], environment(house));
  expect(JSON.parse(output)).toMatchObject({ words: ['list'], folder: '/' });
});

test('becomes Node, so that signals reach it', async () => {
  // The stand-in kills itself only if the process that this test started is its own: no shell stands between.
  const { status } = await runProgram(join(house, 'holdfast'), ['end', String(process.pid)], environment(house));
  expect(status).toBe(128);
});

function environment(cwd: string): { cwd: string; env: Record<string, string> } {
  return { cwd, env: { NODE_COMPILE_CACHE: join(house, 'cache') } };
}
