/** What people install: the package is built, put into another project's node_modules, imported, type-checked against and run. */
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { emitPackage } from '../../scripts/build.ts';
import { missingFromLock, readLock } from '../../scripts/complete-lock.ts';
import { projectRoot, runProgram, runTool } from '../../scripts/run-program.ts';

const manifestSchema = z.object({
  exports: z.record(z.string(), z.object({ types: z.string(), default: z.string() })),
  dependencies: z.record(z.string(), z.string()),
  bin: z.record(z.string(), z.string()),
});
const manifest = manifestSchema.parse(JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')));
const specifiers = Object.keys(manifest.exports).map((path) => path.replace('.', 'holdfast'));

describe('the built package', () => {
  let project: string;
  let installed: string;

  beforeAll(async () => {
    project = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-package-')));
    installed = join(project, 'node_modules/holdfast');
    await mkdir(installed, { recursive: true });
    await emitPackage(join(installed, 'dist'));
    for (const file of ['package.json', 'LICENSE', 'CHANGELOG.md', 'README.md']) {
      await cp(join(projectRoot, file), join(installed, file));
    }
    for (const dependency of [...Object.keys(manifest.dependencies), '@types/node', '@types/pg']) {
      await mkdir(dirname(join(project, 'node_modules', dependency)), { recursive: true });
      await symlink(join(projectRoot, 'node_modules', dependency), join(project, 'node_modules', dependency));
    }
  });

  afterAll(() => rm(project, { recursive: true, force: true }));

  test.each(specifiers)('import %s', async (specifier) => {
    const code = `const face = await import('${specifier}'); console.log(Object.keys(face).length > 0 ? 'has exports' : 'is empty');`;
    expect(await runNode(['--input-type=module', '--eval', code])).toMatchObject({ status: 0, output: 'has exports\n' });
  });

  test('has types for every import', async () => {
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    await writeFile(
      join(project, 'consumer.ts'),
      specifiers.map((specifier, at) => `export * as face${at} from '${specifier}';\n`).join(''),
    );
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--lib',
      'es2024,esnext.disposable,dom',
      '--types',
      'node',
    ];
    expect(await runTool('tsc', [...flags, 'consumer.ts'], { cwd: project })).toMatchObject({ status: 0, output: '' });
  });

  test('runs as a program', async () => {
    const program = join(installed, manifest.bin['holdfast'] ?? '');
    const { status, output } = await runNode([program, '--help']);
    expect(output).toContain('Usage: holdfast');
    expect(status).toBe(0);
    expect(await readFile(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test('satisfies publint', async () => {
    expect(await runTool('publint', ['--strict', installed])).toMatchObject({ status: 0 });
  });

  function runNode(args: readonly string[]): ReturnType<typeof runProgram> {
    return runProgram(process.execPath, args, { cwd: project });
  }
});

describe('the lock', () => {
  test('names no registry, so that npm asks the one that the machine is set up with', async () => {
    const lock = await readFile(join(projectRoot, 'package-lock.json'), 'utf8');
    expect([...lock.matchAll(/"resolved": "\w+:[^"]*"/g)].map((match) => match[0])).toEqual([]);
  });

  test('names the packages of every platform (npm run complete-lock adds them), so that npm ci works anywhere', () => {
    expect(missingFromLock(readLock())).toEqual([]);
  });
});
