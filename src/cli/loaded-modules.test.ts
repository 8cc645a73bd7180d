import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWorkplace, runHoldfast } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const repository = place.path('repository');
const log = place.path('loaded');
/* Notes every module, of every thread. */
const hook = `data:text/javascript,${encodeURIComponent(`import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context); } });`)}`;

/** What a command loaded. */
async function modulesOf(...args: string[]): Promise<string[]> {
  await writeFile(log, '');
  const { status, stderr } = await runHoldfast(args, { node: ['--import', hook] });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return (await readFile(log, 'utf8')).split('\n');
}

beforeAll(async () => {
  await writeFile(place.path('data'), 'data');
  await runHoldfast(['backup', '-r', repository, '--files', place.path('data')]);
});

afterAll(() => place.remove());

test('the version needs next to nothing', async () => {
  expect((await modulesOf('--version')).filter((url) => url.includes('/src/')).length).toBeLessThan(5);
});

test('help loads no engine', async () => {
  expect((await modulesOf('--help')).filter((url) => /\/src\/(engine|storage|sources|operations)\//.test(url))).toEqual([]);
  expect((await modulesOf('restore', '--help')).filter((url) => /\/src\/(engine|storage|sources)\//.test(url))).toEqual([]);
});

test.each([
  ['list', ['list', '-r', repository]],
  ['backup of files', ['backup', '-r', repository, '--files', place.path('data')]],
  ['restore of files', ['restore', 'latest', '-r', repository, '--target', place.path('target')]],
  ['check', ['check', '-r', repository]],
])('%s loads no driver and no library that it does not use', async (_, args) => {
  const loaded = await modulesOf(...args);
  expect(loaded.some((url) => url.endsWith('/src/engine/repository.ts'))).toBe(true);
  expect(loaded.filter((url) => /\/node_modules\/(?:pg|zod|commander|vitest|p-retry)\/|\/src\/sources\/postgres\//.test(url))).toEqual([]);
});
