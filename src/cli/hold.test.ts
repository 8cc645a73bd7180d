import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { containing } from '../../test/harness/programs/expected-text.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { createQuickRepository, openQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { quietContext } from '../../test/harness/repositories/restore-in-process.ts';
import { encodeSnapshot } from '../engine/snapshot-json.ts';
import { loadSnapshots } from '../engine/snapshots/load-snapshots.ts';
import { exitStatus } from '../errors.ts';
import { backUp } from '../operations/back-up.ts';
import { createFilesSource } from '../sources/files/files-source.ts';
import { makeWorkplace, parseLines, runHoldfast, type RunResult } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const place = await makeWorkplace();
const run = (...args: string[]): Promise<RunResult> =>
  runHoldfast([...args, '-r', place.path('repository')], { env: { HOLDFAST_PASSWORD: password } });
const points = async (): Promise<string[]> =>
  parseLines((await run('list', '--json')).stdout).flatMap((line) =>
    line['message_type'] === 'point' || 'short_id' in line ? [String(line['id'])] : [],
  );
let ids: string[] = [];

/** Thirteen runs of the program would take a while. */
beforeAll(async () => {
  await createQuickRepository(place.path('repository'));
  const repository = await openQuickRepository(place.path('repository'));
  await writeFile(place.path('data'), 'content');
  const source = createFilesSource({ component: 'files', roots: [place.path('data')], select: {} });
  await backUp(repository, { components: [{ source }], time: new Date(Date.UTC(2026, 2, 1)) }, quietContext());
  const [first] = await loadSnapshots(repository);
  for (let hour = 1; hour < 13 && first !== undefined; hour += 1)
    await repository.writeFile('snapshot', encodeSnapshot({ ...first.snapshot, time: new Date(Date.UTC(2026, 2, 1, hour)).toISOString() }));
  await repository.close();
  ids = await points();
});
afterAll(() => place.remove());

test('a held point outlasts every rule and every command, until it is released', async () => {
  const first = ids.at(0) ?? '';
  const added = await run('hold', 'add', first.slice(0, 8), '--reason', 'audit', '--until', '2090-01-01', '--json');
  expect(parseLines(added.stdout)).toMatchObject([
    { message_type: 'hold', point: first, reason: 'audit', in_force: true, change: 'added' },
  ]);
  expect(parseLines((await run('hold', 'list', '--json')).stdout)).toMatchObject([{ point: first, reason: 'audit' }]);

  // Without a word of its own, no schedule carries out what is large.
  const large = await run('prune', '--keep-last', '1', '--yes');
  expect(large).toMatchObject({ status: exitStatus.failed, stderr: containing('of 13 points would go at once') });
  expect(await points()).toHaveLength(13);

  const preview = await run('prune', '--keep-last', '3', '--at', '2026-12-31', '--json');
  expect(parseLines(preview.stdout).at(-1)).toMatchObject({ message_type: 'preview' });

  const done = await run('prune', '--keep-last', '1', '--yes', '--allow-large', '--json');
  expect(parseLines(done.stdout).at(-1)).toMatchObject({ done: true, removed_points: 11 });
  expect(await points()).toContain(first);
  const forgotten = await run('forget', first.slice(0, 8), '--force');
  expect(forgotten).toMatchObject({ status: exitStatus.failed, stderr: containing('it is held until 2090-01-01 (audit)') });

  expect(await run('hold', 'release', first.slice(0, 8))).toMatchObject({ status: exitStatus.usage, stderr: containing('--yes') });
  expect((await run('hold', 'release', first.slice(0, 8), '--yes')).status).toBe(exitStatus.done);
  expect(await run('hold', 'release', first.slice(0, 8), '--yes')).toMatchObject({ stderr: containing('nobody holds it') });
  expect((await run('prune', '--keep-last', '1', '--yes')).status).toBe(exitStatus.done);
  expect(await points()).toHaveLength(1);
});

test('a hold for a time that is over is refused', async () => {
  expect(await run('hold', 'add', 'latest', '--until', '2020-01-01')).toMatchObject({
    status: exitStatus.usage,
    stderr: containing('is over'),
  });
});
