import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loginOf, parseConnection, toolEnvironment } from './connection.ts';
import { removeSecrets, titleOf } from './login.ts';
import { matchPassword } from './password-file.ts';

test('a whole URL', () => {
  const connection = parseConnection('postgresql://us%40er:p%3A%2Fw@db.example:6543/na%20me?sslmode=verify-full&sslrootcert=/ca.pem', {
    PGHOST: 'ignored',
  });
  expect(connection).toEqual({
    host: 'db.example',
    port: 6543,
    user: 'us@er',
    password: 'p:/w',
    database: 'na me',
    connectTimeout: 15,
    ssl: { mode: 'verify-full', rootCertificate: '/ca.pem' },
  });
  expect(titleOf(loginOf(connection))).toBe('database na me on db.example:6543');
  expect(toolEnvironment(connection, { PATH: '/bin', PGSERVICE: 'other', PGPASSWORD: 'other' })).toEqual({
    PATH: '/bin',
    LC_ALL: 'C',
    PGHOST: 'db.example',
    PGPORT: '6543',
    PGUSER: 'us@er',
    PGPASSWORD: 'p:/w',
    PGDATABASE: 'na me',
    PGCONNECT_TIMEOUT: '15',
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: '/ca.pem',
  });
});

test('a password is removed from messages, a short one only where it is a password by its place', () => {
  const remove = (password: string, text: string): string =>
    removeSecrets(text, parseConnection('postgresql://u@h/d', { PGPASSWORD: password }));
  expect(remove('p:/w-long', 'x p:/w-long y p%3A%2Fw-long z')).toBe('x *** y *** z');
  expect(remove('b', 'Query was: SELECT b; password=bb')).toBe('Query was: SELECT b; password=bb');
  expect(remove('b', "postgresql://b:b@b/b?password=b&x=b PGPASSWORD=b host=b password = 'b'")).toBe(
    "postgresql://b:***@b/b?password=***&x=b PGPASSWORD=*** host=b password = '***'",
  );
  expect(remove('p:/w', 'at postgresql://u:p%3A%2Fw@h/d, p:/w')).toBe('at postgresql://u:***@h/d, p:/w');
});

test.each([
  [
    '',
    { PGHOST: 'h', PGPORT: '1', PGUSER: 'u', PGDATABASE: 'd', PGPASSWORD: 'p' },
    { host: 'h', port: 1, user: 'u', database: 'd', password: 'p' },
  ],
  ['postgres://h', { PGUSER: 'u' }, { host: 'h', port: 5432, user: 'u', database: 'u', password: undefined }],
  ['postgresql:///d?host=/run/x&user=u', {}, { host: '/run/x', user: 'u', database: 'd' }],
  ['postgresql://u:p@/d?host=%2Frun%2Fx', {}, { host: '/run/x', user: 'u', database: 'd', password: 'p' }],
  ['postgresql://%2Frun%2Fx/d', { PGUSER: 'u' }, { host: '/run/x', database: 'd' }],
  ['postgresql://u@[::1]:7/d', {}, { host: '::1', port: 7 }],
])('%s', (url, environment, expected) => {
  expect(parseConnection(url, { HOME: '/nowhere', ...environment })).toMatchObject(expected);
});

test.each([
  'mysql://u:secret@h/d',
  'postgresql://u:sec ret@h:port/d',
  'postgresql://u:secret@h:99999/d',
  'postgresql://u:secret@h1:1,h2:2/d',
  'postgresql://u:secret@h/d?sslmode=maybe',
  'postgresql://u:%zzsecret@h/d',
  'secret',
])('%s is refused without repeating it', (url) => {
  let thrown: unknown;
  try {
    parseConnection(url, {});
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'postgres-url' });
  expect(JSON.stringify(thrown) + String(thrown)).not.toMatch(/sec ?ret/);
});

test('the password file', () => {
  const at = { host: 'h', port: 5432, database: 'd', user: 'u' };
  const text = '# comment:5432:d:u:no\nother:*:*:*:no\nh:5433:d:u:no\nh:5432:d:u:with \\: and \\\\\n*:*:*:*:last\n';
  expect(matchPassword(at, text)).toBe('with : and \\');
  expect(matchPassword({ ...at, user: 'v' }, text)).toBe('last');
  expect(matchPassword({ ...at, host: '/run' }, 'localhost:5432:d:u:local')).toBe('local');
  expect(matchPassword(at, 'h:5432:\\*:u:no\n::::\nbroken')).toBeUndefined();
});

test('a password file that others may read is not used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-passfile-'));
  const file = join(folder, '.pgpass');
  try {
    await writeFile(file, 'h:*:*:u:from file\n');
    await chmod(file, 0o600);
    expect(parseConnection('postgres://u@h/d', { HOME: folder }).password).toBe('from file');
    expect(parseConnection('postgres://u@h/d', { PGPASSFILE: file, HOME: '/nowhere' }).password).toBe('from file');
    await chmod(file, 0o644);
    expect(parseConnection('postgres://u@h/d', { HOME: folder }).password).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});
