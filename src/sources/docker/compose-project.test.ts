import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { composeProject, normalizeProject } from './compose-project.ts';

const root = await mkdtemp(join(tmpdir(), 'holdfast-project-'));
const folder = join(root, 'My Shop.2');
beforeEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
});
afterAll(() => rm(root, { recursive: true }));

test('the first of environment, .env, file and folder names the project', async () => {
  const ask = (environment = {}, file = {}) => composeProject({ folder, environment, ...file });
  expect(await ask()).toBe('myshop2');
  await writeFile(join(folder, 'compose.yaml'), 'services: {}\nname: "from-file"\n');
  expect(await ask()).toBe('from-file');
  await writeFile(join(folder, 'other.yml'), 'services:\n  web:\n    name: no\n');
  expect(await ask({}, { file: 'other.yml' })).toBe('myshop2');
  await writeFile(join(folder, '.env'), 'OTHER=1\nCOMPOSE_PROJECT_NAME="from env"\n');
  expect(await ask()).toBe('from env');
  expect(await ask({ COMPOSE_PROJECT_NAME: 'told' })).toBe('told');
  expect(await ask({ COMPOSE_PROJECT_NAME: '' })).toBe('from env');
});

test.each([
  ['Shop', 'shop'],
  ['__-a.b c_1-', 'abc_1-'],
])('%s becomes %s', (name, project) => {
  expect(normalizeProject(name)).toBe(project);
});
