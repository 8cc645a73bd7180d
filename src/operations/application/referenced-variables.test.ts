import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keptVariables, restoredEnvironment } from './referenced-variables.ts';

const text = `
repositories: { local: { url: "\${BACKUPS}/app", password: { env: BACKUP_PASSWORD } } }
components:
  database: { postgres: "\${DATABASE_URL:-postgresql://x}" }
  cache: { redis: { service: redis, password: { env: REDIS_PASSWORD } } }
  other: { files: "\${FROM_FILE}" }
`;

test('values that the application is described with are kept, and no password of a repository', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-variables-'));
  await writeFile(join(folder, 'value'), './here\n');
  const environment = {
    DATABASE_URL: 'a',
    REDIS_PASSWORD: 'b',
    BACKUP_PASSWORD: 'c',
    BACKUPS: 'd',
    UNUSED: 'e',
    FROM_FILE_FILE: join(folder, 'value'),
  };
  expect(keptVariables(text, environment)).toEqual({ DATABASE_URL: 'a', REDIS_PASSWORD: 'b', FROM_FILE: './here' });
  await rm(folder, { recursive: true });
});

test('what is set where it is recovered wins over what was kept, and repositories need nothing', () => {
  const environment = restoredEnvironment(text, { DATABASE_URL: 'kept', REDIS_PASSWORD: 'b' }, { DATABASE_URL: 'here', HOME: '/' });
  expect(environment).toEqual({
    DATABASE_URL: 'here',
    REDIS_PASSWORD: 'b',
    HOME: '/',
    BACKUPS: 'not-needed',
    BACKUP_PASSWORD: 'not-needed',
  });
});

test('a text that is no YAML refers to nothing', () => {
  expect(keptVariables('a: [', { A: 'x' })).toEqual({});
  expect(keptVariables('${A}', { A: 'x' })).toEqual({});
});
