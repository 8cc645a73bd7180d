import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandList } from '../command-list.ts';
import { globalOptions } from '../global-options.ts';
import { makeWorkplace, parseLines, runHoldfast, runRestic } from '../testing/run-holdfast.ts';

const place = await makeWorkplace();
/* The tests' own password is in the environment unless it is taken out. */
const env = { HOLDFAST_PASSWORD: '', HOLDFAST_STATE: place.path('state') };

beforeAll(async () => {
  for (const name of ['shop', 'other']) {
    await mkdir(place.path(name, 'uploads'), { recursive: true });
    await writeFile(place.path(name, 'uploads/a.txt'), 'an upload\n');
    await writeFile(place.path(name, '.env'), 'SECRET_KEY=hunter2\n');
  }
});

afterAll(() => place.remove());

test('init, and then the backup needs no more words; restic opens it with the password in its file', async () => {
  const cwd = place.path('shop');
  const init = await runHoldfast(['init'], { cwd, env });
  expect(init.status, init.stderr).toBe(0);
  expect(init.stdout).toContain(`repository     ${cwd}/backups\npassword       ${cwd}/.holdfast-password\n`);
  expect(init.stdout).toContain('found     uploads: { files: ./uploads }');
  const password = (await readFile(join(cwd, '.holdfast-password'), 'utf8')).trim();
  expect(init.stdout + init.stderr).not.toContain(password);
  expect((await runHoldfast(['config', 'check'], { cwd, env })).stdout).toContain('holdfast.yaml is well: shop');
  const backup = await runHoldfast(['backup'], { cwd, env });
  expect(backup.status, backup.stderr).toBe(0);
  // As the recovery kit says.
  const restic = await runRestic(
    join(cwd, 'backups'),
    ['restore', 'latest', '--tag', 'component:uploads', '--target', place.path('back')],
    {
      env: { RESTIC_PASSWORD: password },
    },
  );
  expect(restic.status, restic.stderr).toBe(0);
  expect(await readFile(join(place.path('back'), cwd, 'uploads/a.txt'), 'utf8')).toBe('an upload\n');
  const again = await runHoldfast(['init'], { cwd, env });
  expect(again.status).toBe(1);
  expect(again.stderr).toContain(`Cannot write ${cwd}/holdfast.yaml: it is there already.`);
  expect(again.stderr).toContain('--force');
});

describe('what would be written', () => {
  test('is printed, and nothing is there afterwards', async () => {
    const { status, stdout } = await runHoldfast(['init', '--dry-run', place.path('other')], { cwd: place.folder, env });
    expect(status).toBe(0);
    expect(stdout).toContain('\n  uploads: { files: ./uploads }\n');
    expect(stdout).not.toContain('hunter2');
    expect((await readdir(place.path('other'))).toSorted()).toEqual(['.env', 'uploads']);
  });

  test('as a record, with the repository and the password that were given', async () => {
    const args = ['init', '--dry-run', '--json', '-r', 'elsewhere', '--password-command', 'pass show x', place.path('other')];
    const { status, stdout, stderr } = await runHoldfast(args.with(6, 'echo secret'), { cwd: place.folder, env });
    expect(status, stderr).toBe(0);
    const [record] = parseLines(stdout);
    expect(record).toMatchObject({ message_type: 'init', dry_run: true, application: 'other' });
    expect(record?.['text']).toContain(`local: { url: ${place.path('elsewhere')}, password: { command: "echo secret" }, keep:`);
  });
});

test('the kit names commands and options that there are', async () => {
  await runHoldfast(['init', place.path('other')], { cwd: place.folder, env });
  const kit = await readFile(place.path('other', 'holdfast-recovery-kit.md'), 'utf8');
  const lines = kit.split('\n').filter((line) => line.startsWith('holdfast '));
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    const [, name = '', ...words] = line.split(' ');
    const command = await commandList[name]?.load();
    expect(command, line).toBeDefined();
    const known = new Set(
      [...(command?.options ?? []), ...globalOptions].flatMap(({ flags }) => flags.match(/(?<![\w-])--?[a-z-]+/g) ?? []),
    );
    expect(
      words.filter((word) => word.startsWith('-') && !known.has(word)),
      line,
    ).toEqual([]);
  }
});
