import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeWorkplace, parseLines, runHoldfast } from '../testing/run-holdfast.ts';

const place = await makeWorkplace();
const env = { DB_PASSWORD: 'hunter2hunter2', LONG_TOKEN: 'sesame-sesame' };

beforeAll(async () => {
  await mkdir(place.path('deep'));
  await writeFile(
    place.path('holdfast.yaml'),
    `application: app
repositories: { local: ./backups }
components:
  database: { postgres: "postgresql://app:\${DB_PASSWORD}@localhost/app" }
  uploads: { files: ./uploads, hooks: { after: { run: "notify \${HOME}" } } }
  cache: { redis: { service: redis, password: "\${DB_PASSWORD}" } }
  other: { files: "/x/\${LONG_TOKEN}/y" }
profiles: { production: { repositories: { local: /mnt/backups } } }
`,
  );
  await writeFile(place.path('wrong.yaml'), 'aplication: app\nrepositories: { local: ./backups }\ncomponents: { uploads: { file: x } }\n');
});

afterAll(() => place.remove());

describe('config check', () => {
  test('finds the file above, and says what there is', async () => {
    const { status, stdout, stderr } = await runHoldfast(['config', 'check', '--profile', 'production'], { cwd: place.path('deep'), env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(`${place.path('holdfast.yaml')} is well: app
profiles: production (chosen)

REPOSITORY  ADDRESS
local       /mnt/backups

COMPONENT  KIND      WHAT
database   postgres  postgresql://app:***@localhost/app
uploads    files     ${place.path('uploads')}
cache      redis     service redis
other      files     /x/***/y
`);
  });

  test('tells every error, and ends with 2', async () => {
    const { status, stdout, stderr } = await runHoldfast(['config', 'check', '-c', 'wrong.yaml'], { cwd: place.folder });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^Error: Cannot use the configuration: it has 3 errors\nwrong\.yaml:1:1: found no key "application"/);
    expect(stderr).toContain('wrong.yaml:3:26: found the key "file", allowed are postgres');
    expect(stderr).toContain('did you mean "files"?\n');
  });

  test('tells them as records too', async () => {
    const { status, stderr } = await runHoldfast(['config', 'check', '--json'], {
      cwd: place.folder,
      env: { HOLDFAST_CONFIG: 'wrong.yaml' },
    });
    expect(status).toBe(2);
    const lines = parseLines(stderr);
    expect(lines.map((line) => [line['message_type'], line['line'], line['column']])).toEqual([
      ['configuration_problem', 1, 1],
      ['configuration_problem', 1, 1],
      ['configuration_problem', 3, 26],
      ['exit_error', undefined, undefined],
    ]);
    expect(lines.at(-1)).toMatchObject({ code: 2, error: 'configuration' });
  });

  test('says where no file is', async () => {
    const { status, stderr } = await runHoldfast(['config', 'check'], { cwd: '/' });
    expect(status).toBe(2);
    expect(stderr).toContain('there is none in / or above it');
    expect(stderr).toContain('holdfast init');
  });
});

describe('config show', () => {
  test('shows all of it, and no secret', async () => {
    const { status, stdout } = await runHoldfast(['config', 'show'], { cwd: place.folder, env });
    expect(status).toBe(0);
    expect(stdout).toContain('    redis:\n      service: redis\n      password:\n        value: "***"\n');
    expect(stdout).toContain('      after:\n        - run: notify ${HOME}\n          within: 10m\n');
    expect(stdout).not.toMatch(/hunter2|sesame/);
  });

  test('as one record', async () => {
    const { stdout } = await runHoldfast(['config', 'show', '--json'], { cwd: place.folder, env });
    const [record] = parseLines(stdout);
    expect(record).toMatchObject({
      message_type: 'configuration',
      file: place.path('holdfast.yaml'),
      configuration: { application: 'app', repositories: { local: { url: place.path('backups') } } },
    });
    expect(stdout).not.toMatch(/hunter2|sesame/);
  });
});

test('help loads nothing of it', async () => {
  const log = place.path('loaded');
  const hook = `data:text/javascript,${encodeURIComponent(`import { registerHooks } from 'node:module';
import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context); } });`)}`;
  for (const args of [['--help'], ['config', 'check', '--help'], ['init', '--help']]) {
    expect((await runHoldfast(args, { node: ['--import', hook] })).status).toBe(0);
  }
  const loaded = (await readFile(log, 'utf8')).split('\n');
  expect(loaded.some((url) => url.endsWith('/src/cli/commands/config.ts'))).toBe(true);
  expect(loaded.filter((url) => /\/src\/(config|operations)\/|\/node_modules\/(yaml|zod)\//.test(url))).toEqual([]);
});

test('config schema prints a schema with a description for every key', async () => {
  const { status, stdout } = await runHoldfast(['config', 'schema'], { cwd: '/' });
  expect(status).toBe(0);
  const schema: unknown = JSON.parse(stdout);
  expect(schema).toMatchObject({
    $schema: 'http://json-schema.org/draft-07/schema#',
    required: ['application', 'repositories', 'components'],
    additionalProperties: false,
  });
  expect([...keysWithoutDescription(schema, '')]).toEqual([]);
});

function* keysWithoutDescription(schema: unknown, path: string): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return;
  const entries: [string, unknown][] = Object.entries(schema);
  for (const [key, value] of entries) {
    if (key === 'properties' && typeof value === 'object' && value !== null) {
      const properties: [string, unknown][] = Object.entries(value);
      for (const [name, property] of properties) {
        const inProfile = path.includes('/profiles');
        if (!inProfile && (typeof property !== 'object' || property === null || !('description' in property))) yield `${path}/${name}`;
        yield* keysWithoutDescription(property, `${path}/${name}`);
      }
    } else yield* keysWithoutDescription(value, path);
  }
}
