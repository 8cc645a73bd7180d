import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import * as holdfast from '../../src/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-library-'));
const [source, url] = [join(folder, 'source'), join(folder, 'repository')];
afterAll(() => rm(folder, { recursive: true, force: true }));

/* In this tree the package is not installed under its name. */
const asInstalled = `data:text/javascript,${encodeURIComponent(`import { registerHooks } from 'node:module';
registerHooks({ resolve: (name, context, next) => next(name === 'holdfast' ? ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)} : name, context) });`)}`;

describe('the library', () => {
  test('does what its example says', async () => {
    await mkdir(source);
    await writeFile(join(source, 'a.txt'), 'a');
    await writeFile(join(source, 'b.tmp'), 'b');
    const example = fileURLToPath(new URL('../../examples/library/back-up-a-folder.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--import', asInstalled, example, source, url, join(folder, 'target')],
      {
        env: { PATH: process.env['PATH'] ?? '', HOLDFAST_PASSWORD: 'secret' },
        encoding: 'utf8',
      },
    );
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toMatch(/^saved [0-9a-f]{8}: 1 files\n[0-9a-f]{8} {2}\S+ {2}uploads\nrestored 1 files to /);
    expect(await readFile(join(folder, 'target', source, 'a.txt'), 'utf8')).toBe('a');
  });

  test('opens, reads and checks a repository', async () => {
    const repository = await holdfast.openRepository({ url, password: () => Promise.resolve('secret') });
    const chunks: Uint8Array[] = [];
    await holdfast.readFile(repository, {
      point: { name: 'latest' },
      path: join(source, 'a.txt'),
      onBytes: (chunk) => Promise.resolve(void chunks.push(chunk)),
    });
    expect(Buffer.concat(chunks).toString()).toBe('a');
    const names: string[] = [];
    await holdfast.listEntries(repository, { point: { name: 'latest' }, recursive: true, onEntry: ({ path }) => void names.push(path) });
    expect(names).toContain(join(source, 'a.txt'));
    expect((await holdfast.check(repository, { readData: 'all' })).errors).toEqual([]);
    await repository.close();
  });

  test('throws errors of the catalogue', async () => {
    await expect(holdfast.openRepository({ url, password: 'wrong' })).rejects.toMatchObject({ code: 'password-wrong', exitStatus: 12 });
    await expect(holdfast.openRepository({ url: join(folder, 'none'), password: 'x' })).rejects.toSatisfy((error) =>
      holdfast.isError(error, 'repository-missing'),
    );
  });
});
