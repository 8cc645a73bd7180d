import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { composeServices } from './compose-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-compose-file-'));
const text = 'services:\n  web: { image: x }\n  db: { image: y }\n';

beforeEach(() => writeFile(join(folder, 'compose.yml'), text));
afterAll(() => rm(folder, { recursive: true }));

test('a compose file names its services', async () => {
  expect(await composeServices({ folder }, {})).toEqual(['web', 'db']);
  expect(await composeServices({ folder: '/', compose: { file: join(folder, 'compose.yml') } }, {})).toEqual(['web', 'db']);
});

test('where other files may name more, nothing is said', async () => {
  expect(await composeServices({ folder }, { COMPOSE_FILE: 'a.yml:b.yml' })).toBeUndefined();
  expect(await composeServices({ folder: join(folder, 'none') }, {})).toBeUndefined();
  await writeFile(join(folder, 'compose.yml'), `include: [other.yml]\n${text}`);
  expect(await composeServices({ folder }, {})).toBeUndefined();
  await writeFile(join(folder, 'compose.yml'), 'services: [');
  expect(await composeServices({ folder }, {})).toBeUndefined();
  await writeFile(join(folder, 'compose.yml'), text);
  await writeFile(join(folder, 'compose.override.yml'), text);
  expect(await composeServices({ folder }, {})).toBeUndefined();
});
