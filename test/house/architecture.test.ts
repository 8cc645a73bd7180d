/** The architecture is a lint failure: one violation of each kind is planted in a copy of the house, and lint has to find it by its right name. */
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { judgeImport } from '../../scripts/architecture.ts';
import { projectRoot, runTool } from '../../scripts/run-program.ts';

interface Planted {
  readonly path: string;
  readonly code: string;
  /** The rule that has to fire, or none. */
  readonly rule?: string;
}

const groundwork: readonly Planted[] = [
  { path: 'src/storage/storage.ts', code: 'export interface Storage {\n  readonly location: string;\n}\n' },
  {
    path: 'src/storage/local/local-storage.ts',
    code: 'export async function openLocal(): Promise<void> {\n  await Promise.resolve();\n}\n',
  },
  { path: 'src/sources/source.ts', code: 'export interface Source {\n  readonly kind: string;\n}\n' },
  {
    path: 'src/operations/backup.ts',
    code: "import { openLocal } from '../storage/local/local-storage.ts';\nexport const backup = openLocal;\n",
  },
  { path: 'src/policy/retention.ts', code: 'export const keep = 7;\n' },
  { path: 'src/errors.ts', code: 'export const failed = 1;\n' },
];

const clean: readonly Planted[] = [
  {
    path: 'src/engine/clean.ts',
    code: "import { failed } from '../errors.ts';\nimport type { Storage } from '../storage/storage.ts';\nexport const name = (storage: Storage): string => storage.location + failed;\n",
  },
  { path: 'src/engine/clean.test.ts', code: "import { openLocal } from '../storage/local/local-storage.ts';\nawait openLocal();\n" },
  { path: 'src/cli/main.ts', code: "import { openLocal } from '../storage/local/local-storage.ts';\nawait openLocal();\n" },
  { path: 'src/policy/clean.ts', code: 'export const day = (time: Date): Date => new Date(time.getTime());\n' },
  { path: 'src/util/clock.ts', code: 'export const now = (): Date => new Date(Date.now());\n' },
];

const violations: readonly Planted[] = [
  { path: 'src/util/upwards.ts', code: "export { keep } from '../policy/retention.ts';\n", rule: 'holdfast(arrows)' },
  { path: 'src/engine/upwards.ts', code: "export { backup } from '../operations/backup.ts';\n", rule: 'holdfast(arrows)' },
  { path: 'src/engine/sibling.ts', code: "export { keep } from '../policy/retention.ts';\n", rule: 'holdfast(arrows)' },
  { path: 'src/engine/driver.ts', code: "export { openLocal } from '../storage/local/local-storage.ts';\n", rule: 'holdfast(arrows)' },
  {
    path: 'src/engine/lazy-driver.ts',
    code: "export const load = () => import('../storage/local/local-storage.ts');\n",
    rule: 'holdfast(arrows)',
  },
  {
    path: 'src/engine/thread.ts',
    code: "export const thread = new URL('../operations/backup.ts', import.meta.url);\n",
    rule: 'holdfast(arrows)',
  },
  { path: 'src/engine/value.ts', code: "export * from '../storage/storage.ts';\n", rule: 'holdfast(arrows)' },
  { path: 'src/policy/interface.ts', code: "export type { Storage } from '../storage/storage.ts';\n", rule: 'holdfast(arrows)' },
  { path: 'src/storage/sibling.ts', code: "export type { Source } from '../sources/source.ts';\n", rule: 'holdfast(arrows)' },
  {
    path: 'src/cli/commands/driver.ts',
    code: "export { openLocal } from '../../storage/local/local-storage.ts';\n",
    rule: 'holdfast(arrows)',
  },
  { path: 'src/cli/outside.ts', code: "export * from '../../scripts/architecture.ts';\n", rule: 'holdfast(arrows)' },
  { path: 'src/attic/unknown.ts', code: "export { failed } from '../errors.ts';\n", rule: 'holdfast(arrows)' },
  {
    path: 'src/policy/cycle-a.ts',
    code: "import { b } from './cycle-b.ts';\nexport const a = (): number => b();\n",
    rule: 'import(no-cycle)',
  },
  {
    path: 'src/policy/cycle-b.ts',
    code: "import { a } from './cycle-a.ts';\nexport const b = (): number => a();\n",
    rule: 'import(no-cycle)',
  },
  { path: 'src/policy/date-now.ts', code: 'export const now = (): number => Date.now();\n', rule: 'eslint(no-restricted-properties)' },
  { path: 'src/policy/new-date.ts', code: 'export const now = (): Date => new Date();\n', rule: 'holdfast(wall-clock)' },
  { path: 'src/policy/random.ts', code: 'export const dice = (): number => Math.random();\n', rule: 'eslint(no-restricted-properties)' },
  { path: 'src/policy/any.ts', code: 'export const loose = (value: any): number => Number(value);\n', rule: 'typescript(no-explicit-any)' },
  { path: 'src/policy/implicit-any.ts', code: "export const loose: number = JSON.parse('1');\n", rule: 'typescript(no-unsafe-assignment)' },
  {
    path: 'src/policy/floating.ts',
    code: 'const work = async (): Promise<void> => Promise.resolve();\nexport function go(): void {\n  work();\n}\n',
    rule: 'typescript(no-floating-promises)',
  },
  {
    path: 'src/policy/unused.ts',
    code: "import { keep } from './retention.ts';\nexport const other = 1;\n",
    rule: 'eslint(no-unused-vars)',
  },
];

const reportSchema = z.object({ diagnostics: z.array(z.object({ filename: z.string(), code: z.string().optional() })) });

describe('lint', () => {
  let house: string;
  let found: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    house = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-house-')));
    await mkdir(join(house, 'scripts'));
    for (const file of ['.oxlintrc.json', 'tsconfig.json', 'scripts/architecture.ts'])
      await copyFile(join(projectRoot, file), join(house, file));
    await symlink(join(projectRoot, 'node_modules'), join(house, 'node_modules'));
    for (const { path, code } of [...groundwork, ...clean, ...violations]) {
      await mkdir(dirname(join(house, path)), { recursive: true });
      await writeFile(join(house, path), code);
    }
    const { output } = await runTool('oxlint', ['--type-aware', '--format=json', 'src'], { cwd: house });
    const { diagnostics } = reportSchema.parse(JSON.parse(output));
    found = new Map(
      Object.entries(Object.groupBy(diagnostics, (one) => one.filename)).map(([path, list = []]) => [
        path,
        list.map((one) => one.code ?? ''),
      ]),
    );
  });

  afterAll(() => rm(house, { recursive: true, force: true }));

  test.each(violations)('finds $rule in $path', ({ path, rule }) => {
    expect(found.get(path)).toContain(rule);
  });

  test.each([...groundwork, ...clean])('finds nothing in $path', ({ path }) => {
    expect(found.get(path)).toBeUndefined();
  });
});

describe('judgeImport', () => {
  test('says what to do where only the word "type" is missing', () => {
    expect(judgeImport({ from: 'engine/backup.ts', to: 'storage/storage.ts', typeOnly: false })).toBe(
      'engine may import only types of storage/storage.ts: use "import type".',
    );
  });

  test('lets a test beside the code use drivers, and nothing from above', () => {
    expect(judgeImport({ from: 'engine/backup.test.ts', to: 'storage/local/local-storage.ts', typeOnly: false })).toBeUndefined();
    expect(judgeImport({ from: 'engine/backup.test.ts', to: 'operations/backup.ts', typeOnly: false })).toMatch('downwards only');
  });
});
