/** Points that others need, as the command line shows and keeps them. */
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createQuickRepository, openQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { quietContext } from '../../test/harness/repositories/restore-in-process.ts';
import { password } from '../../test/harness/programs/run-programs.ts';
import { exitStatus } from '../errors.ts';
import { openSealedObjects } from '../engine/objects/sealed-objects.ts';
import { backUp } from '../operations/back-up.ts';
import { createFilesSource } from '../sources/files/files-source.ts';
import { makeWorkplace, parseLines, runHoldfast, runRestic, type RunResult } from './testing/run-holdfast.ts';

const place = await makeWorkplace();
const repository = place.path('repository');
const env = { HOLDFAST_PASSWORD: password };
const run = (...args: string[]): Promise<RunResult> => runHoldfast([...args, '-r', repository], { env });
const ids: string[] = [];
const object = { name: 'wal/1/00000001/000000010000000000000001', body: Buffer.from('a log') };
afterAll(() => place.remove());

beforeAll(async () => {
  await createQuickRepository(repository);
  const opened = await openQuickRepository(repository);
  const source = createFilesSource({ component: 'database', roots: [join(import.meta.dirname, 'main.ts')] });
  for (const [day, needs] of [
    [14, []],
    [15, [0]],
    [16, [0, 1]],
    [17, []],
  ] as const) {
    const components = [{ source, needs: needs.map((at) => ids[at] ?? '') }];
    const { pointId } = await backUp(opened, { components, time: new Date(Date.UTC(2026, 10, day)), host: 'db1' }, quietContext());
    ids.push(pointId ?? '');
  }
  await openSealedObjects(opened).put(object.name, {}, object.body);
  await opened.close();
});

const short = (at: number): string => ids[at]?.slice(0, 8) ?? '';

test('a plan says why they stay', async () => {
  const { status, stdout } = await run('prune', '--keep-last', '2', '--dry-run');
  expect([status, stdout]).toEqual([exitStatus.done, expect.stringContaining(`needed by ${short(2)}`)]);
  expect(stdout).toContain('4 points to keep, 0 points to remove');
  const [record] = parseLines((await run('prune', '--keep-last', '2', '--dry-run', '--json')).stdout).filter(
    (line) => line['message_type'] === 'forget',
  );
  expect(record).toMatchObject({
    keep: [
      { id: ids[3], tags: [], reasons: ['last snapshot'] },
      { id: ids[2], reasons: ['last snapshot'] },
      { id: ids[1], reasons: [`needed by ${short(2)}`] },
      { id: ids[0], reasons: [`needed by ${short(2)}`] },
    ],
    remove: [],
  });
});

test('one is not forgotten by its name, and what lies beside the format is nobody’s business', async () => {
  const refused = await run('forget', ids[0] ?? '', '--force');
  expect([refused.status, refused.stderr]).toEqual([
    exitStatus.failed,
    expect.stringContaining(`needed to restore ${short(1)}, ${short(2)}`),
  ]);
  expect((await run('forget', ids[1] ?? '', ids[2] ?? '', '--prune')).status).toBe(exitStatus.done);
  expect((await run('check', '--read-data')).status).toBe(exitStatus.done);
  for (const command of [['list'], ['prune', '--yes'], ['repo', 'repair-index'], ['unlock'], ['repo', 'info']]) {
    const { status, stderr } = await run(...command);
    expect([command, status, stderr]).toEqual([command, exitStatus.done, expect.not.stringContaining('holdfast/')]);
  }
  const copy = await runHoldfast(['copy', '-r', place.path('copy'), '--from-repo', repository], {
    env: { ...env, HOLDFAST_FROM_PASSWORD: password },
  });
  expect(copy.status).toBe(exitStatus.done);
  expect((await runRestic(repository, ['check', '--read-data'], { env: { RESTIC_PASSWORD: password } })).status).toBe(0);
  const opened = await openQuickRepository(repository);
  expect((await openSealedObjects(opened).get(object.name)).body.equals(object.body)).toBe(true);
  await opened.close();
});

test('a check fails where one is gone', async () => {
  const opened = await openQuickRepository(repository);
  const source = createFilesSource({ component: 'database', roots: [join(import.meta.dirname, 'main.ts')] });
  const { pointId = '' } = await backUp(opened, { components: [{ source, needs: [ids[3] ?? ''] }], host: 'db1' }, quietContext());
  await opened.close();
  // restic gives a snapshot that it tags a new id.
  const before = await readdir(place.path('repository/snapshots'));
  expect((await runRestic(repository, ['tag', '--add', 'mine', ids[3] ?? ''], { env: { RESTIC_PASSWORD: password } })).status).toBe(0);
  expect((await run('check')).status).toBe(exitStatus.done);
  const [tagged = ''] = (await readdir(place.path('repository/snapshots'))).filter((id) => !before.includes(id));
  expect(parseLines((await run('prune', '--keep-last', '1', '--dry-run', '--json')).stdout)).toContainEqual(
    expect.objectContaining({
      keep: [expect.anything(), expect.objectContaining({ id: tagged, reasons: [`needed by ${pointId.slice(0, 8)}`] })],
    }),
  );
  rmSync(place.path('repository/snapshots', tagged));
  const { status, stdout, stderr } = await run('check');
  expect(status).toBe(exitStatus.failed);
  expect(`${stdout}${stderr}`).toContain(`snapshot ${pointId}`);
});
