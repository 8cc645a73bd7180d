/** Who did what: for each command it was decided whether it is in the trail, and what the trail does not know is said. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { commandList } from './command-list.ts';
import { ParsedOptions } from './parsed-options.ts';
import { findRecorded } from './recorded-commands.ts';
import { makeWorkplace, parseLines, password, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
afterAll(() => place.remove());

test('of every command it was decided whether it is recorded, and the page names those that are not', async () => {
  const page = await readFile(fileURLToPath(new URL('../../docs/audit.md', import.meta.url)), 'utf8');
  const bare = Object.keys(commandList).filter((name) => findRecorded(name, new ParsedOptions(name, new Map()))?.audit === undefined);
  const [unsaid] = [bare.filter((name) => !page.includes(`\`${name}\``))];
  expect(unsaid).toEqual([]);
  expect(bare).not.toContain('restore');
  const withAccept = new ParsedOptions('status', new Map([['accept', ['database']]]));
  expect(findRecorded('status', withAccept)?.audit?.event).toBe('accept');
  expect(() => findRecorded('something new', withAccept)).toThrow('was not decided');
});

test('init is the first record; keys that change are named without their values; what restic made is a remark', async () => {
  const [folder, repository] = [place.path('app'), place.path('app', 'backups')];
  const file = place.path('app', 'holdfast.yaml');
  await mkdir(place.path('app', 'uploads'), { recursive: true });
  await writeFile(place.path('app', 'uploads', 'photo'), 'a photo');
  const run = (...words: string[]): Promise<RunResult> => runHoldfast(words, { cwd: folder, env: { HOLDFAST_STATE: place.path('state') } });
  const done = async (...words: string[]): Promise<RunResult> => {
    const result = await run(...words);
    expect(result.stderr).not.toContain('Cannot');
    expect({ words, status: result.status }).toEqual({ words, status: 0 });
    return result;
  };
  await done('init');
  const write = (more: string): Promise<void> =>
    writeFile(
      file,
      `application: app\nrepositories: { local: { url: ./backups, password: { env: HOLDFAST_PASSWORD } } }\ncomponents: { uploads: { files: ./uploads${more} } }\n`,
    );
  await write('');
  await done('backup', '-q');
  await write(', schedule: "0 3 * * *"');
  await done('backup', '-q', 'uploads');

  const verify = async (): Promise<unknown> => parseLines((await done('audit', 'verify', '--json')).stdout).at(-1);
  expect(await verify()).toMatchObject({ num_findings: 0, unrecorded: [] });
  const records = parseLines((await done('audit', '--json')).stdout);
  expect(records.map(({ event }) => event)).toEqual(['repository', 'configuration', 'backup', 'configuration', 'backup']);
  expect(records[0]).toMatchObject({ what: { command: 'init' }, result: { status: 'done' } });
  expect(records[3]).toMatchObject({ what: { keys: { added: ['components.uploads.schedule'], removed: [], changed: [] } } });
  expect(records[4]).toMatchObject({ result: { snapshots: [expect.stringMatching(/^[0-9a-f]{16}$/), expect.anything()] } });

  const env = { PATH: process.env['PATH'], HOME: place.folder, RESTIC_PASSWORD: password };
  await promisify(execFile)('restic', ['-r', repository, 'backup', '-q', '--host', 'elsewhere', place.path('app', 'uploads')], { env });
  expect(await verify()).toMatchObject({ num_findings: 0, unrecorded: [{ host: 'elsewhere' }] });
  expect(await run('audit', 'verify')).toMatchObject({ status: 0, stdout: containing('host elsewhere, has no record') });
});
