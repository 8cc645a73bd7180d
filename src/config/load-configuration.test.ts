import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { configurationError, loadConfiguration } from './load-configuration.ts';
import { readSecret } from './read-secret.ts';

let folder: string;
const minimal = 'application: app\nrepositories: { local: ./backups }\ncomponents: { uploads: { files: ./uploads } }\n';

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-config-')));
  await mkdir(join(folder, 'app/deep/deeper'), { recursive: true });
  await writeFile(join(folder, 'app/holdfast.yaml'), `${minimal}profiles: { test: { application: "\${NAME}" } }\n`);
  await writeFile(join(folder, 'other.yaml'), `\uFEFF${minimal.replace(': app', ': other')}`);
  await writeFile(join(folder, 'wrong.yaml'), 'application: 7\nrepositories: 8\n');
  await writeFile(join(folder, 'large.yaml'), `${minimal}#${' '.repeat(1024 * 1024)}\n`);
  await writeFile(join(folder, 'secret'), 'hunter2\n');
  await writeFile(join(folder, 'two-lines'), 'one\ntwo\r\n');
  await writeFile(join(folder, 'empty'), '\n');
  await writeFile(join(folder, 'name'), 'from a file\n');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function errorOf(run: () => unknown): HoldfastError {
  try {
    run();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a file', () => {
  test('is found in a folder above', () => {
    const configuration = loadConfiguration({ folder: join(folder, 'app/deep/deeper'), environment: {} });
    expect(configuration.file).toBe(join(folder, 'app/holdfast.yaml'));
    expect(configuration.repositories[0]?.url).toBe(join(folder, 'app/backups'));
  });

  test('is the one that is named: as an option, then by HOLDFAST_CONFIG', () => {
    const environment = { HOLDFAST_CONFIG: 'other.yaml' };
    expect(loadConfiguration({ folder, environment }).application).toBe('other');
    expect(loadConfiguration({ file: 'app/holdfast.yaml', folder, environment }).application).toBe('app');
  });

  test('takes its profile from the option, then from HOLDFAST_PROFILE, and variables from files', () => {
    const environment = { NAME_FILE: join(folder, 'name') };
    expect(loadConfiguration({ folder: join(folder, 'app'), environment, profile: 'test' }).application).toBe('from a file');
    expect(
      loadConfiguration({ folder: join(folder, 'app'), environment: { ...environment, HOLDFAST_PROFILE: 'test', NAME: 'set' } }),
    ).toMatchObject({
      application: 'set',
      profile: 'test',
    });
  });

  test('that is not there, or is no file, or is too large is told', () => {
    const missing = errorOf(() => loadConfiguration({ file: 'none.yaml', folder, environment: {} }));
    expect(missing).toMatchObject({ code: 'configuration-missing', exitStatus: 2 });
    expect(missing.message).toBe(`Cannot read the configuration ${folder}/none.yaml: there is no such file.`);
    expect(errorOf(() => loadConfiguration({ file: 'app', folder, environment: {} })).code).toBe('configuration-missing');
    expect(errorOf(() => loadConfiguration({ file: 'large.yaml', folder, environment: {} })).message).toContain(
      'larger than 1048576 bytes',
    );
    expect(errorOf(() => loadConfiguration({ file: '/dev/zero', folder, environment: {} })).message).toContain('larger than');
  });

  test('with errors is told with all of them, relative to where one stands', () => {
    const error = errorOf(() => loadConfiguration({ file: 'wrong.yaml', folder, environment: {} }));
    expect(error).toMatchObject({ code: 'configuration', exitStatus: 2, details: { count: 3, file: join(folder, 'wrong.yaml') } });
    expect(error.message).toBe(`Cannot use the configuration: it has 3 errors
wrong.yaml:1:1: found no key "components", needed is a mapping from names to components
wrong.yaml:1:14: found the number 7 for "application", allowed is the name of the application
wrong.yaml:2:15: found the number 8 for "repositories", allowed is a mapping from names to repositories.`);
  });

  test('with one error is told in one line, and a question ends without a full stop', () => {
    const problems = [{ line: 2, column: 3, message: 'found x, allowed are y; did you mean "y"?' }];
    expect(configurationError({ file: '/a/b.yaml', problems }, '/c').message).toBe(
      'Cannot use the configuration: /a/b.yaml:2:3: found x, allowed are y; did you mean "y"?',
    );
  });

  test('whose variable names a file that cannot be read is told', () => {
    const environment = { NAME_FILE: join(folder, 'no-such-file') };
    const error = errorOf(() => loadConfiguration({ folder: join(folder, 'app'), environment, profile: 'test' }));
    expect(error.message).toContain('found NAME_FILE, whose file cannot be read (ENOENT');
  });
});

describe('a secret', () => {
  const environment = { PATH: process.env['PATH'] ?? '', TOKEN: 'from the environment', BLANK: '' };

  test.each([
    ['as it is', () => ({ value: ' as it is\n' }), ' as it is\n'],
    ['in a file, without the end of its last line', () => ({ file: join(folder, 'secret') }), 'hunter2'],
    ['of two lines', () => ({ file: join(folder, 'two-lines') }), 'one\ntwo'],
    ['in a variable', () => ({ env: 'TOKEN' }), 'from the environment'],
    ['that a command prints', () => ({ command: 'cat secret; echo to stderr >&2' }), 'hunter2'],
  ])('%s is read', async (_, secret, value) => {
    expect(await readSecret(secret(), { environment, folder })).toBe(value);
  });

  test('in a file that a variable names is read', async () => {
    expect(await readSecret({ env: 'BLANK' }, { environment: { ...environment, BLANK_FILE: join(folder, 'secret') } })).toBe('hunter2');
  });

  test.each([
    ['a file that is not there', { file: '/no/such/file' }, 'the file /no/such/file cannot be read (ENOENT'],
    ['a file without end', { file: '/dev/zero' }, 'larger than 65536 bytes'],
    ['an empty file', { file: '' }, 'is empty'],
    ['a variable that is not set', { env: 'NONE' }, 'the variable NONE is not set (nor NONE_FILE)'],
    ['an empty variable', { env: 'BLANK' }, 'the variable BLANK is empty'],
    ['a command that fails', { command: 'echo hunter2; echo hunter2 >&2; exit 3' }, 'its command ended with status 3'],
    ['a command that prints nothing', { command: 'true' }, 'the output of its command is empty'],
    ['a command that prints without end', { command: 'head -c 100000 /dev/zero' }, 'printed 65536 bytes or more'],
    ['a command that hangs', { command: 'echo hunter2; sleep 60' }, 'was not done within'],
  ])('of %s is told, and nothing of it is in the message', async (_, secret, reason) => {
    const given = 'file' in secret && secret.file === '' ? { file: join(folder, 'empty') } : secret;
    const error: unknown = await readSecret(given, { environment, folder, withinMs: 2000 }).catch((thrown: unknown) => thrown);
    if (!(error instanceof HoldfastError)) throw new Error('nothing was thrown');
    expect(error).toMatchObject({ code: 'secret-unreadable', exitStatus: 2 });
    expect(error.message).toContain(reason);
    expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain('hunter2');
  });

  test('that nobody may read is told', { skip: process.getuid?.() === 0 }, async () => {
    await chmod(join(folder, 'secret'), 0);
    await expect(readSecret({ file: join(folder, 'secret') }, { environment })).rejects.toMatchObject({ code: 'secret-unreadable' });
  });
});
