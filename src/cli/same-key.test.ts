/** Two repositories with one key, made by the command line, each opened by restic with its own password. */
import { globSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { makeWorkplace, parseLines, password, runHoldfast, runRestic } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 180_000 });

const place = await makeWorkplace();
afterAll(() => place.remove());

test('a copy that shares the key takes over whole packs', async () => {
  const [from, to, third] = [place.path('from'), place.path('to'), place.path('third')];
  await mkdir(place.path('data'));
  await writeFile(place.path('data', 'file'), 'content');
  expect((await runHoldfast(['backup', '-r', from, '--files', place.path('data')])).status).toBe(0);
  const env = { HOLDFAST_PASSWORD: 'a password of its own', HOLDFAST_FROM_PASSWORD: password };
  const copied = await runHoldfast(['copy', '-r', to, '--from-repo', from, '--same-key', '--json'], { env });
  expect(parseLines(copied.stdout).at(-1)).toMatchObject({ message_type: 'summary', whole_packs: 2, holds: 0 });
  expect(globSync('data/*/*', { cwd: to }).toSorted()).toEqual(globSync('data/*/*', { cwd: from }).toSorted());
  expect(await runRestic(to, ['check', '--read-data'], { env: { RESTIC_PASSWORD: env.HOLDFAST_PASSWORD } })).toMatchObject({ status: 0 });
  expect((await runRestic(to, ['cat', 'config'], { env: { RESTIC_PASSWORD: password } })).status).not.toBe(0);
  // One that is there is copied to as it is, and only one with the same key is taken for one.
  expect((await runHoldfast(['copy', '-r', to, '--from-repo', from, '--same-key'], { env })).status).toBe(0);
  expect((await runHoldfast(['repo', 'init', '-r', third, '--from-repo', from], { env })).status).toBe(0);
  expect(await runHoldfast(['copy', '-r', third, '--from-repo', from, '--same-key'], { env })).toMatchObject({
    status: 2,
    stderr: containing('a key of its own'),
  });
  const apart = await runHoldfast(['copy', '-r', third, '--from-repo', from, '--json'], { env });
  expect(parseLines(apart.stdout).at(-1)).toMatchObject({ whole_packs: 0 });
});
