import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Repository } from '../../engine/repository.ts';
import { ignoreEvents } from '../../events.ts';
import { createFilesSource } from '../../sources/files/files-source.ts';
import { backUp } from '../back-up.ts';
import { createSession } from '../open-session.ts';
import { loadPoints } from '../points.ts';
import { findEmptied } from './emptied-files.ts';
import type { CaptureFacts } from './status-facts.ts';

const { signal } = new AbortController();
let folder = '';
let repository: Repository;
const texts = { '.env': 'SECRET=1\n', 'nginx.conf': 'server {}\n', 'empty.conf': '' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-emptied-'));
  repository = await createSession({ url: join(folder, 'repository'), password: () => Promise.resolve('secret') });
});
afterAll(async () => {
  await repository?.close();
  await rm(folder, { recursive: true, force: true });
});

async function save(changes: Record<string, string> = {}): Promise<void> {
  const files = Object.entries({ ...texts, ...changes });
  for (const [name, text] of files) await writeFile(join(folder, name), text);
  const source = createFilesSource({ component: 'settings', roots: files.map(([name]) => join(folder, name)) });
  await backUp(repository, { components: [{ source }] }, { events: ignoreEvents, signal });
}

/** As if they had been made on these days of a month. */
async function captures(...days: number[]): Promise<CaptureFacts[]> {
  const points = await loadPoints(repository);
  return points.map(({ id }, index) => ({
    at: new Date(Date.UTC(2026, 10, days[index])),
    point: id.slice(0, 8),
    snapshot: id,
    proven: false,
  }));
}

test('a file that is empty now and had content before is found for a week, and one that always was empty is not', async () => {
  await save();
  expect(await findEmptied(repository, 'settings', await captures(1), signal)).toEqual([]);
  await save({ '.env': '' });
  const found = await findEmptied(repository, 'settings', await captures(1, 2), signal);
  expect(found).toMatchObject([{ kind: 'file-emptied', component: 'settings', severity: 'critical', since: '2026-11-02T00:00:00.000Z' }]);
  expect(found[0]?.sentence).toBe(`${join(folder, '.env')} is empty, and had 9 bytes at 2026-11-01 00:00`);
  expect(await findEmptied(repository, 'settings', await captures(1, 8), signal)).toEqual([]);
});

test('it ends when the file has content again', async () => {
  await save();
  expect(await findEmptied(repository, 'settings', await captures(1, 2, 3), signal)).toEqual([]);
});
