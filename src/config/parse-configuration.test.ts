import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Configuration } from './configuration.ts';
import { parseConfiguration, type ParseOptions } from './parse-configuration.ts';
import { badFiles } from './testing/bad-files.ts';
import { writeOut } from './write-out.ts';

const options: ParseOptions = { file: '/app/holdfast.yaml', environment: {} };

function parse(text: string, more: Partial<ParseOptions> = {}): Configuration {
  const parsed = parseConfiguration(text, { ...options, ...more });
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`).join('\n'));
  return parsed.configuration;
}

/** The source of one component. */
function sourceOf(component: string, more: Partial<ParseOptions> = {}): unknown {
  return parse(`application: app\nrepositories: { r: ./b }\ncomponents: { c: ${component} }\n`, more).components[0]?.source;
}

const whole = `
application: northstar-timesheet
version: { run: git describe --tags }
compose: { file: docker-compose.yml, project: northstar }
x-keep: &keep { daily: 7, weekly: unlimited }
repositories:
  local:   { url: ./backups, keep: *keep, password: { file: secrets/pw } }
  offsite:
    url: s3://acme/timesheet
    keep: { <<: *keep, daily: 30, within: 1y6m }
    password: { command: pass show x }
    credentials: { AWS_ACCESS_KEY_ID: acme, AWS_SECRET_ACCESS_KEY: { file: secrets/s3 } }
    class: STANDARD_IA
    lock: { mode: governance, for: 30d }
    limits: { upload: 5M, connections: 4, hours: "22:30-06:00" }
components:
  database:
    postgres: { service: db, database: timesheet_db, user: timesheet, password: { env: DB_PASSWORD }, exclude-tables: [log, "tmp_*"], jobs: 4, roles: true }
    hooks: { before: [{ run: "echo \${HOME}", service: web, within: 2m30s }] }
    tags: [nightly, db]
    keep: { daily: 90, within: 1y }
  uploads: { files: { path: [./uploads, /srv/media], exclude: "*.tmp", exclude-larger-than: 1.5G, one-file-system: true } }
  users: { volumes: { names: ["user-*"], stop: true } }
  settings: { config: { files: [.env, "*.yml"], secrets: template } }
  cache: { redis: { service: redis, port: 6380, user: app, password: x } }
  logs: { logs: { services: [web], days: 3 } }
  code: { code: . }
quiesce: worker
hooks: { failed: ./tell-somebody }
recovery:
  quiesce: [web]
  after: [{ service: web, run: flask db upgrade }]
  health: { url: "http://localhost/health", within: 90s }
  smoke: [{ sql: "select count(*) > 0 from users" }, { http: "http://localhost/", contains: Welcome }, npm run test:smoke]
`;

describe('a whole file', () => {
  test('is understood', () => {
    const { hooks, components, repositories, recovery, ...rest } = parse(whole);
    expect(rest).toEqual({
      file: '/app/holdfast.yaml',
      folder: '/app',
      application: 'northstar-timesheet',
      version: { run: 'git describe --tags' },
      compose: { file: '/app/docker-compose.yml', project: 'northstar' },
      quiesce: ['worker'],
      maintenance: { prune: { cron: '30 4 * * *' }, check: { cron: '30 5 * * *' }, checkWithinMs: 30 * 86_400_000 },
    });
    expect(hooks).toEqual({ before: [], after: [], failed: [{ run: './tell-somebody', withinMs: 600_000 }] });
    expect(repositories).toEqual([
      { name: 'local', url: '/app/backups', keep: { daily: 7, weekly: 'unlimited' }, password: { file: '/app/secrets/pw' } },
      {
        name: 'offsite',
        url: 's3://acme/timesheet',
        keep: { daily: 30, weekly: 'unlimited', within: '1y6m' },
        password: { command: 'pass show x' },
        credentials: { AWS_ACCESS_KEY_ID: { value: 'acme' }, AWS_SECRET_ACCESS_KEY: { file: '/app/secrets/s3' } },
        storageClass: 'STANDARD_IA',
        lock: { mode: 'governance', forMs: 30 * 86_400_000 },
        limits: { upload: 5 * 2 ** 20, connections: 4, hours: { from: 1350, to: 360 } },
      },
    ]);
    expect(components.map(({ name, source }) => [name, source])).toEqual([
      [
        'database',
        {
          kind: 'postgres',
          at: { service: 'db', database: 'timesheet_db', user: 'timesheet', password: { env: 'DB_PASSWORD' } },
          excludeTables: ['log', 'tmp_*'],
          format: 'directory',
          jobs: 4,
          roles: true,
        },
      ],
      [
        'uploads',
        {
          kind: 'files',
          paths: ['/app/uploads', '/srv/media'],
          exclude: ['*.tmp'],
          excludeLargerThan: 1.5 * 2 ** 30,
          oneFileSystem: true,
        },
      ],
      ['users', { kind: 'volumes', volumes: ['user-*'], stop: true }],
      ['settings', { kind: 'config', files: ['/app/.env', '/app/*.yml'], secrets: 'template' }],
      ['cache', { kind: 'redis', at: { service: 'redis', port: 6380, user: 'app' }, password: { value: 'x' } }],
      ['logs', { kind: 'logs', services: ['web'], days: 3 }],
      ['code', { kind: 'code', path: '/app' }],
    ]);
    expect(components[0]).toMatchObject({
      hooks: { before: [{ run: 'echo ${HOME}', service: 'web', withinMs: 150_000 }] },
      tags: ['nightly', 'db'],
      keep: { daily: 90, within: '1y' },
    });
    expect(recovery).toEqual({
      quiesce: ['web'],
      after: [{ service: 'web', run: 'flask db upgrade', withinMs: 600_000 }],
      health: { url: 'http://localhost/health', withinMs: 90_000 },
      smoke: [
        { sql: 'select count(*) > 0 from users' },
        { http: 'http://localhost/', contains: 'Welcome' },
        { run: 'npm run test:smoke', withinMs: 600_000 },
      ],
    });
  });

  test('written out means the same', () => {
    const configuration = parse(whole);
    expect(parse(stringify(writeOut(configuration)))).toEqual(configuration);
  });
});

const both = `application: app
repositories: { r: ./b }
components:
  database:
    postgres:
      url: postgresql://u@h/d
      mode: both
      base: { full: 1d, increments: 3, checkpoint: spread, rate: 50M }
      wal: { flush: 500ms, slot: app_wal, synchronous: true }
    tags: nightly
    hooks: { before: "true" }
`;

test('base backups beside a dump are a component of their own, without hooks', () => {
  const [dump, base] = parse(both).components;
  expect(dump).toMatchObject({ name: 'database', source: { kind: 'postgres', at: { url: 'postgresql://u@h/d' } } });
  expect(base).toEqual({
    name: 'database-base',
    partOf: 'database',
    tags: ['nightly'],
    hooks: { before: [], after: [], failed: [] },
    source: {
      kind: 'postgres-base',
      at: { url: 'postgresql://u@h/d' },
      checkpoint: 'spread',
      rate: 50 * 2 ** 20,
      fullEveryMs: 86_400_000,
      increments: 3,
      wal: { slot: 'app_wal', flushMs: 500, synchronous: true },
    },
  });
});

test('base backups can be written out and read again', () => {
  for (const text of [both, both.replace('mode: both', 'mode: physical')])
    expect(parse(stringify(writeOut(parse(text))))).toEqual(parse(text));
});

test.each([
  ['{ postgres: "postgresql://u@h/d" }', { kind: 'postgres', at: { url: 'postgresql://u@h/d' } }],
  ['{ postgres: { url: { env: DATABASE_URL } } }', { kind: 'postgres', at: { url: { env: 'DATABASE_URL' } } }],
  [
    '{ postgres: { container: c, databases: all } }',
    { kind: 'postgres', at: { container: 'c', database: 'postgres', user: 'postgres' }, databases: 'all' },
  ],
  [
    '{ postgres: { service: db, mode: physical } }',
    {
      kind: 'postgres-base',
      at: { service: 'db', database: 'postgres', user: 'postgres' },
      checkpoint: 'fast',
      fullEveryMs: 7 * 86_400_000,
      increments: 14,
      wal: { flushMs: 10_000, synchronous: false },
    },
  ],
  ['{ files: uploads }', { kind: 'files', paths: ['/app/uploads'] }],
  ['{ files: [a, /b] }', { kind: 'files', paths: ['/app/a', '/b'] }],
  ['{ files: { volume: uploads } }', { kind: 'files', paths: [], volume: 'uploads' }],
  ['{ volumes: "user-*" }', { kind: 'volumes', volumes: ['user-*'] }],
  ['{ redis: "redis://h" }', { kind: 'redis', at: { url: 'redis://h' } }],
  ['{ redis: { service: r, port: 6380, user: app } }', { kind: 'redis', at: { service: 'r', port: 6380, user: 'app' } }],
  ['{ config: .env }', { kind: 'config', files: ['/app/.env'], secrets: 'encrypted' }],
  ['{ logs: all }', { kind: 'logs', services: 'all', days: 7 }],
  ['{ logs: [web, worker] }', { kind: 'logs', services: ['web', 'worker'], days: 7 }],
  ['{ code: ./src }', { kind: 'code', path: '/app/src' }],
])('%s is short for what it means', (written, meant) => {
  expect(sourceOf(written)).toEqual(meant);
});

describe('variables', () => {
  test.each([
    ['${A}', 'one'],
    ['x${A}y${B:-two}', 'xoneytwo'],
    ['${EMPTY:-two}', 'two'],
    ['${B:-}', ''],
    ['$$A $${A} $A', '$A ${A} $A'],
  ])('%s', (text, value) => {
    const source = sourceOf(`{ redis: { service: r, password: "-${text}" } }`, { environment: { A: 'one', EMPTY: '' } });
    expect(source).toMatchObject({ password: { value: `-${value}` } });
  });

  test('stand for numbers and truth too', () => {
    expect(sourceOf('{ logs: { days: "${DAYS}" } }', { environment: { DAYS: '14' } })).toMatchObject({ days: 14 });
    expect(sourceOf('{ files: { path: a, exclude-caches: "${YES}" } }', { environment: { YES: 'true' } })).toMatchObject({
      excludeCaches: true,
    });
    expect(sourceOf('{ redis: { service: r, password: "${N}" } }', { environment: { N: '14' } })).toMatchObject({
      password: { value: '14' },
    });
  });

  test('are left as they are where that is wanted', () => {
    expect(sourceOf('{ files: "/a/${NO}" }', { unsetVariables: 'keep' })).toMatchObject({ paths: ['/a/${NO}'] });
  });

  test('cannot fill the memory', () => {
    const text = `application: app\nx: ["${'${A}'.repeat(1000)}"]\n`;
    const parsed = parseConfiguration(text, { ...options, environment: { A: 'x'.repeat(100_000) } });
    const problems = 'problems' in parsed ? parsed.problems : [];
    expect(problems.filter(({ line, message }) => line === 2 && message.includes('longer than allowed'))).toHaveLength(1);
  });
});

describe('profiles', () => {
  const text = `application: app
repositories: { local: { url: ./b, keep: { daily: 7, weekly: 4 } } }
components: { uploads: { files: ./uploads }, logs: { logs: all } }
profiles:
  production:
    repositories: { local: { keep: { daily: 30 } }, offsite: /mnt/b }
    components: { logs: }
`;

  test('are merged over the rest, and take out what they leave empty', () => {
    const { profile, repositories, components } = parse(text, { profile: 'production' });
    expect(profile).toBe('production');
    expect(repositories).toEqual([
      { name: 'local', url: '/app/b', keep: { daily: 30, weekly: 4 } },
      { name: 'offsite', url: '/mnt/b' },
    ]);
    expect(components.map(({ name }) => name)).toEqual(['uploads']);
  });

  test('change nothing where none is chosen', () => {
    const configuration = parse(text);
    expect(configuration.profile).toBeUndefined();
    expect(configuration.repositories).toHaveLength(1);
    expect(configuration.components).toHaveLength(2);
  });
});

test.each(badFiles)('a file with $name', ({ text, profile, environment = {}, errors }) => {
  const parsed = parseConfiguration(text, { ...options, environment, profile });
  const problems = 'problems' in parsed ? parsed.problems : [];
  expect(problems.map(({ line, column, message }) => `${line}:${column}: ${message}`)).toEqual(errors);
});

describe('any text', () => {
  const judge = (text: string): boolean => {
    const parsed = parseConfiguration(text, { ...options, unsetVariables: 'keep' });
    if (!('problems' in parsed)) return parsed.configuration.repositories.length > 0;
    return (
      parsed.problems.length > 0 &&
      parsed.problems.every(({ line, column, message }) => line >= 1 && column >= 1 && !message.includes('undefined'))
    );
  };
  const word = fc.constantFrom(
    ...[
      'application',
      'repositories',
      'components',
      'postgres',
      'files',
      'hooks',
      'recovery',
      'profiles',
      '<<',
      '*a',
      '&a x',
      '${A}',
      '${',
      '!t',
      '- ',
      '? ',
      '{',
      '[',
      ']',
      '}',
      ':',
      '"',
      "'",
      '|',
      '>',
      '#',
      '%',
      '\t',
      '\n',
      '  ',
      ': ',
      ', ',
      '7',
      'null',
      '__proto__',
      'constructor',
    ],
  );

  test('is a configuration or has problems', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
        ),
        judge,
      ),
      { numRuns: 2000 },
    );
  });

  test('made of one character changed in a whole file', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.oneof(word, fc.string({ maxLength: 3 })), (at, put) =>
        judge(whole.slice(0, at) + put + whole.slice(at + 1)),
      ),
      { numRuns: 300 },
    );
  });

  test('made of any values', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const file = fc.record({
      application: fc.oneof(fc.constant('app'), value),
      repositories: value,
      components: fc.dictionary(
        fc.constantFrom('a', 'b'),
        fc.dictionary(fc.constantFrom('postgres', 'files', 'redis', 'logs', 'config', 'volumes', 'hooks'), value),
      ),
      recovery: value,
      hooks: value,
      quiesce: value,
    });
    fc.assert(
      fc.property(file, (content) => judge(JSON.stringify(content))),
      { numRuns: 500 },
    );
  });

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', '{a: '.repeat(50_000)],
    ['keys', Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['aliases', `a: &a 1\nb: [${'*a,'.repeat(60_000)}]`],
  ])('made to exhaust: %s', (_, text) => {
    expect(judge(text)).toBe(true);
  });
});
