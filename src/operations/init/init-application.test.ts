import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../config/load-configuration.ts';
import { parseConfiguration } from '../../config/parse-configuration.ts';
import { readSecret } from '../../config/read-secret.ts';
import { isError } from '../../errors.ts';
import { openSession } from '../open-session.ts';
import { fillIn, parseEnvFile } from './env-file.ts';
import { initApplication, planInit, type InitRequest } from './init-application.ts';
import { quote } from './quote-yaml.ts';
import { sampleFolders, type SampleFolder } from './testing/sample-folders.ts';

let place: string;
let count = 0;
const clock = { now: () => new Date('2026-11-20T12:00:00Z') };

beforeAll(async () => {
  place = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-init-')));
});

afterAll(() => rm(place, { recursive: true, force: true }));

async function makeFolder({ files }: Pick<SampleFolder, 'files'>): Promise<string> {
  const folder = join(place, `shop-${(count += 1)}`);
  await mkdir(folder);
  for (const [path, text] of Object.entries(files)) {
    if (path.endsWith('/')) await mkdir(join(folder, path), { recursive: true });
    else {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  }
  return folder;
}

function requestFor(folder: string, more: Partial<InitRequest> = {}): InitRequest {
  return { folder, withPassword: false, force: false, clock, environment: {}, ...more };
}

describe.each(sampleFolders)('$name', (sample) => {
  test('is understood, and what is written loads', async () => {
    const folder = await makeFolder(sample);
    const { text, components } = planInit(requestFor(folder));
    expect(components.map(({ name, yaml, sure }) => `${sure ? '' : '# '}${name}: ${yaml}`)).toEqual(sample.components);
    await writeFile(join(folder, 'holdfast.yaml'), text);
    const configuration = loadConfiguration({ folder, environment: {} });
    expect(configuration.components.map(({ name }) => name)).toEqual(components.filter(({ sure }) => sure).map(({ name }) => name));
    expect(configuration.repositories).toEqual([
      {
        name: 'local',
        url: join(folder, 'backups'),
        password: { file: join(folder, '.holdfast-password') },
        keep: { daily: 7, weekly: 4, monthly: 12 },
      },
    ]);
    expect(text).not.toContain('hunter2');
  });

  test('loads with everything that was not sure, too', async () => {
    const folder = await makeFolder(sample);
    const lines = planInit(requestFor(folder)).text.split('\n');
    const unsure = lines.map((line) =>
      line
        .replace(/^( {2})# (?=[\w-]+: [[{])/, '$1')
        .replace(/^# recovery:$/, 'recovery:')
        .replace(/^#( {3}| )(?=(quiesce|after|health|smoke): )/, '  '),
    );
    const all = parseConfiguration(unsure.join('\n'), { file: join(folder, 'holdfast.yaml'), environment: {} });
    const hasDatabase = sample.components.filter((component) => component.includes('postgres: ')).length;
    /* The example of a smoke test asks a database: there must be one. */
    if (hasDatabase === 1) expect(all).not.toHaveProperty('problems');
    else expect('problems' in all && all.problems.every(({ message }) => message.includes('query without the component'))).toBe(true);
    expect(unsure.join('\n')).toMatch(/^ {2}offsite: /m);
  });
});

test('whatever a Compose file and .env hold, what is written loads', async () => {
  const folder = await makeFolder({ files: {} });
  const words = [
    'services',
    'db',
    'postgres:16',
    '${X}',
    '../uploads',
    './uploads',
    'a:b',
    '"',
    "'",
    '{',
    '}',
    '# x',
    '\u2028',
    '$',
    'true',
    '~',
    '\n',
    '\0',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...words)).map((parts) => parts.join(' ')),
  );
  const service = fc.record({
    image: fc.constantFrom('postgres', 'redis', 'x'),
    environment: fc.dictionary(fc.constantFrom('POSTGRES_DB', 'POSTGRES_USER', 'REDIS_PASSWORD'), text),
    volumes: fc.array(
      fc.oneof(
        fc.tuple(text, text).map((parts) => parts.join(':')),
        fc.record({ type: fc.constantFrom('bind', 'volume'), source: text, target: text }),
      ),
    ),
    depends_on: fc.array(text),
    ports: fc.array(text),
  });
  fc.assert(
    fc.property(fc.dictionary(text, service), text, text, (services, name, value) => {
      writeFileSync(join(folder, 'compose.yml'), JSON.stringify({ name, services }));
      writeFileSync(join(folder, '.env'), `DATABASE_URL=postgres${value}\nPOSTGRES_DB=${name}\n`);
      // It reads what it wrote, and throws where that is not understood.
      expect(planInit(requestFor(folder)).components.length).toBeGreaterThan(0);
    }),
    { numRuns: 200 },
  );
});

test('a text in quotes is read back', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.constantFrom('a$b', '${X}', '~', 'no', '1', 'a: b', '#x', 'a,b', '{}', '*a', '&a', '!x')),
      (text) => {
        const file = `application: app\nrepositories: { a: b }\ncomponents: { x: { redis: { service: r, password: ${quote(text)} } } }\n`;
        const parsed = parseConfiguration(file, { file: '/x/y', environment: { X: 'wrong' } });
        if (text === '') expect(parsed).toHaveProperty('problems');
        else expect(parsed).toMatchObject({ configuration: { components: [{ source: { password: { value: text } } }] } });
      },
    ),
  );
});

describe('a whole init', () => {
  const [sample] = sampleFolders;
  if (sample === undefined) throw new Error('there is no sample');

  test('leaves a configuration, a repository that its password opens, and a kit', async () => {
    const folder = await makeFolder(sample);
    const result = await initApplication(requestFor(folder));
    expect((await readdir(folder)).filter((name) => !(name in sample.files)).toSorted()).toEqual(
      ['.git', '.holdfast-password', 'backups', 'holdfast-recovery-kit.md', 'holdfast.yaml', 'migrations'].toSorted(),
    );
    expect((await stat(join(folder, '.holdfast-password'))).mode & 0o777).toBe(0o600);
    expect(result).toMatchObject({ application: 'northstar', repositoryWasThere: false, ignored: ['/.holdfast-password', '/backups/'] });
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toBe('node_modules\n/.holdfast-password\n/backups/\n');
    const { repositories, recovery } = loadConfiguration({ folder, environment: {} });
    const [repository] = repositories;
    if (repository?.password === undefined) throw new Error('the repository has no password');
    const password = await readSecret(repository.password, { environment: {} });
    expect(password).toMatch(/^[\w-]{43}$/);
    await (await openSession({ url: repository.url, password: () => Promise.resolve(password) })).close();
    expect(recovery).toMatchObject({ quiesce: ['web'], health: { service: 'web', withinMs: 120_000 } });
    const texts = await Promise.all(['holdfast.yaml', 'holdfast-recovery-kit.md'].map((name) => readFile(join(folder, name), 'utf8')));
    expect(texts.join('\n')).not.toContain(password);
    expect(texts.join('\n')).not.toContain('hunter2');
  });

  test('overwrites nothing; with force the password and the repository stay', async () => {
    const folder = await makeFolder(sample);
    await initApplication(requestFor(folder));
    const password = await readFile(join(folder, '.holdfast-password'), 'utf8');
    await writeFile(join(folder, 'holdfast.yaml'), 'mine\n');
    await expect(initApplication(requestFor(folder))).rejects.toMatchObject({ code: 'init-exists' });
    expect(await readFile(join(folder, 'holdfast.yaml'), 'utf8')).toBe('mine\n');
    expect(await initApplication(requestFor(folder, { force: true, withPassword: true }))).toMatchObject({
      repositoryWasThere: true,
      ignored: ['/holdfast-recovery-kit.md'],
    });
    expect(await readFile(join(folder, '.holdfast-password'), 'utf8')).toBe(password);
    expect(await readFile(join(folder, 'holdfast.yaml'), 'utf8')).toContain('application: northstar');
    const kit = await readFile(join(folder, 'holdfast-recovery-kit.md'), 'utf8');
    expect(kit).toContain(`Password: \`${password.trim()}\``);
  });

  test('touches nothing where a repository is there whose password nobody knows', async () => {
    const folder = await makeFolder(sample);
    await initApplication(requestFor(folder));
    for (const name of ['.holdfast-password', 'holdfast.yaml', 'holdfast-recovery-kit.md']) await rm(join(folder, name));
    const failure: unknown = await initApplication(requestFor(folder)).catch((error: unknown) => error);
    expect(isError(failure, 'password-missing')).toBe(true);
    const wrong: unknown = await initApplication(requestFor(folder, { password: { text: 'wrong' } })).catch((error: unknown) => error);
    expect(isError(wrong, 'password-wrong')).toBe(true);
    expect(await readdir(folder)).not.toContain('holdfast.yaml');
    expect(await readdir(folder)).not.toContain('.holdfast-password');
  });

  test('takes the password and the repository that are given', async () => {
    const folder = await makeFolder({ files: {} });
    const repository = join(place, 'elsewhere');
    const file = join(place, 'password');
    const result = await initApplication(requestFor(folder, { repository, password: { text: 'given', file } }));
    expect(result.passwordFile).toBeUndefined();
    expect(loadConfiguration({ folder, environment: {} }).repositories[0]).toMatchObject({ url: repository, password: { file } });
    const kit = await readFile(result.kit, 'utf8');
    expect(kit).toContain(`restic -r ${repository} snapshots`);
    expect(kit).not.toContain('given');
    expect(await readdir(folder)).not.toContain('.gitignore');
  });

  test('makes no folder for an application', async () => {
    const missing = join(place, 'missing');
    await expect(initApplication(requestFor(missing, { password: { text: 'x' } }))).rejects.toMatchObject({ code: 'init-unwritable' });
    expect(await readdir(place)).not.toContain('missing');
  });

  test('a command or the environment may give the password', async () => {
    const folder = await makeFolder({ files: {} });
    const load = (text: string): unknown => {
      const parsed = parseConfiguration(text, { file: join(folder, 'holdfast.yaml'), environment: {} });
      return 'problems' in parsed ? parsed.problems : parsed.configuration.repositories[0]?.password;
    };
    expect(load(planInit(requestFor(folder, { password: { text: 'x', command: 'pass show "$USER"' } })).text)).toEqual({
      command: 'pass show "$USER"',
    });
    expect(load(planInit(requestFor(folder, { password: { text: 'x' } })).text)).toBeUndefined();
  });
});

test('.env', () => {
  const text = 'A=1\nexport B="two # three" # four\nC=\'it$s\'\n# D=1\nE = five # six\nnot a line\nF="a\\"b"\nG=\n';
  expect(Object.fromEntries(parseEnvFile(text))).toEqual({ A: '1', B: 'two # three', C: 'it$s', E: 'five', F: 'a"b', G: '' });
  const variables = parseEnvFile('A=1\nEMPTY=\n');
  expect(['$A', '${A}', '${NO:-x}', '${NO-x}', '${EMPTY:-y}', '$$A', '${NO}', 'a$NO'].map((each) => fillIn(each, variables))).toEqual([
    '1',
    '1',
    'x',
    'x',
    'y',
    '$A',
    undefined,
    undefined,
  ]);
});

test('an endpoint that only the environment knows is written into the configuration', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-init-'));
  try {
    const environment = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9000' };
    expect(planInit(requestFor(folder, { repository: 's3://acme/app', environment })).text).toContain(
      's3://acme/app?endpoint=http://127.0.0.1:9000',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
