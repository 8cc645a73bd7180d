/** A sealed password opens the repository by gpg or age alone, and restic takes it as it is. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeWorkplace, parseLines, runHoldfast, runRestic, type RunResult } from '../testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const place = await makeWorkplace();
const repository = place.path('repository');
const home = place.path('gpg');
const holdfast = (...words: string[]): Promise<RunResult> => runHoldfast([...words, '-r', repository], { cwd: place.folder });

async function shell(script: string): Promise<string> {
  const env = { PATH: '/usr/bin:/bin', HOME: place.folder, GNUPGHOME: home };
  return (await promisify(execFile)('/bin/bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: place.folder, env })).stdout;
}

beforeAll(async () => {
  await mkdir(home, { mode: 0o700 });
  await shell(
    "gpg --batch --quiet --passphrase '' --quick-generate-key ceo@example.org future-default default never && gpg --export --armor ceo@example.org > ceo.asc && age-keygen -o key.txt 2> /dev/null",
  );
  await holdfast('repo', 'init');
});
afterAll(async () => {
  await shell('gpgconf --kill all');
  await place.remove();
});

test.each([
  ['age', async () => (await shell('age-keygen -y key.txt')).trim(), 'age --decrypt --identity key.txt escrow'],
  ['gpg', () => Promise.resolve(place.path('ceo.asc')), 'gpg --batch --quiet --decrypt escrow'],
])('%s', async (kind, recipient, open) => {
  const out = `escrow.${kind}`;
  const { status, stdout, stderr } = await holdfast('key', 'escrow', '--to', await recipient(), '--out', out, '--json');
  expect(status, stderr).toBe(0);
  const id = String(parseLines(stdout).at(-1)?.['id']);
  expect((await stat(place.path(out))).mode & 0o777).toBe(0o600);
  expect(await readFile(place.path(out), 'utf8')).toMatch(/^-----BEGIN /);
  const password = (await shell(`${open}.${kind}`)).trim();
  expect(password).toMatch(/^[\w-]{32}$/);
  expect((await runRestic(repository, ['snapshots'], { env: { RESTIC_PASSWORD: password } })).status).toBe(0);
  expect(`${stdout}${stderr}`).not.toContain(password);
  const again = await holdfast('key', 'escrow', '--to', await recipient(), '--out', out);
  expect(again.status).toBe(1);
  expect(again.stderr).toContain('Name a file that is not there yet');
  expect((await holdfast('key', 'remove', id)).status).toBe(0);
  expect((await runRestic(repository, ['snapshots'], { env: { RESTIC_PASSWORD: password } })).status).not.toBe(0);
});

test('who is no recipient is told, and no key is added', async () => {
  const before = (await holdfast('key', 'list', '--json')).stdout;
  for (const to of ['age1nobody', 'nobody@example.org']) {
    const { status, stderr } = await holdfast('key', 'escrow', '--to', to, '--out', 'none');
    expect(status).toBe(2);
    expect(stderr).toContain(`Cannot encrypt to ${to}`);
  }
  expect((await holdfast('key', 'list', '--json')).stdout).toBe(before);
  await expect(stat(place.path('none'))).rejects.toThrow('ENOENT');
});

test('the recovery kit beside the configuration names it', async () => {
  await writeFile(
    place.path('holdfast.yaml'),
    `application: shop\nrepositories: { local: ${repository} }\ncomponents: { files: { files: . } }\n`,
  );
  await writeFile(place.path('holdfast-recovery-kit.md'), '# Recovery kit\n');
  const { status, stdout, stderr } = await holdfast(
    'key',
    'escrow',
    '--to',
    (await shell('age-keygen -y key.txt')).trim(),
    '--out',
    'kept.age',
  );
  expect(status, stderr).toBe(0);
  expect(stdout).toContain('noted in');
  const kit = await readFile(place.path('holdfast-recovery-kit.md'), 'utf8');
  expect(kit).toContain(place.path('kept.age'));
  expect(kit).toContain('age --decrypt');
});
