import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { KeptFolder } from '../kept/kept-folder.ts';
import { keyOf } from '../layout.ts';
import { initRepository, Repository } from '../repository.ts';
import type { Snapshot } from '../snapshot-json.ts';
import { keepSnapshots, readKeptSnapshots } from './kept-snapshots.ts';
import { loadSnapshots } from './load-snapshots.ts';
import { saveSnapshot } from './save-snapshot.ts';

const above = mkdtempSync(join(tmpdir(), 'holdfast-snapshots-'));
afterAll(() => rmSync(above, { recursive: true, force: true }));

const first = await initRepository(createMemoryStorage(), { password: 'x' });
let storage = createMemoryStorage();
let folder = '';
let kept = new KeptFolder(above, first.masterKey);
beforeEach(() => {
  folder = mkdtempSync(join(above, 'one-'));
  storage = createMemoryStorage();
  kept = new KeptFolder(folder, first.masterKey);
});

function open(keeps = true): Repository {
  return new Repository(storage, first.config, first.masterKey, first.keyId, first.clock, keeps ? kept : undefined);
}

const summary = {
  backup_start: '2026-11-20T10:00:00Z',
  backup_end: '2026-11-20T10:00:01.5Z',
  files_new: 1,
  files_changed: 2,
  files_unmodified: 3,
  dirs_new: 4,
  dirs_changed: 5,
  dirs_unmodified: 6,
  data_blobs: 7,
  tree_blobs: 8,
  data_added: 9,
  data_added_packed: 10,
  total_files_processed: 11,
  total_bytes_processed: 12e12,
};

function snapshotAt(minute: number, over: Partial<Snapshot> = {}): Snapshot {
  const time = `2026-11-20T10:${String(minute % 60).padStart(2, '0')}:00.${String(minute + 1).padStart(4, '0')}Z`;
  return { time, tree: 'ab'.repeat(32), paths: ['/srv'], hostname: 'web1', tags: ['component:uploads'], summary, ...over };
}

async function save(count: number, from = 0): Promise<string[]> {
  const ids: string[] = [];
  for (let number = from; number < from + count; number += 1) ids.push(await saveSnapshot(open(), snapshotAt(number)));
  return ids;
}

describe('snapshots that were kept', () => {
  test('are those in the files, also after some came and some went', async () => {
    const ids = await save(70);
    expect(await loadSnapshots(open())).toEqual(await loadSnapshots(open(false)));
    expect((await readKeptSnapshots(kept)).size).toBe(70);
    expect(await loadSnapshots(open())).toEqual(await loadSnapshots(open(false)));
    await storage.remove(keyOf('snapshot', ids[3] ?? ''));
    await save(5, 200);
    const now = await loadSnapshots(open());
    expect(now).toEqual(await loadSnapshots(open(false)));
    expect(now.map(({ id }) => id)).not.toContain(ids[3]);
    expect(now).toHaveLength(74);
    await save(20, 300);
    await loadSnapshots(open());
    expect((await readKeptSnapshots(kept)).size).toBe(94);
  });

  test('and spoilt since are read from their files', async () => {
    await save(20);
    await loadSnapshots(open());
    const path = join(folder, 'snapshots-2');
    const bytes = readFileSync(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(await loadSnapshots(open())).toEqual(await loadSnapshots(open(false)));
    expect((await readKeptSnapshots(kept)).size).toBe(20);
  });

  test('do not hide damage from who looks for it', async () => {
    const [damaged = ''] = await save(20);
    await loadSnapshots(open());
    await storage.put(keyOf('snapshot', damaged), Buffer.alloc(200));
    const { snapshots, problems } = await loadSnapshots(open(), { tolerant: true });
    expect(problems.map(({ id }) => id)).toEqual([damaged]);
    expect(snapshots).toHaveLength(19);
    expect(await loadSnapshots(open())).toHaveLength(20);
  });

  test('a few are not kept', async () => {
    await save(5);
    await loadSnapshots(open());
    expect(existsSync(join(folder, 'snapshots-2'))).toBe(false);
  });

  test('whatever they say', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
    const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const optional = fc.record(
      {
        parent: id,
        original: id,
        hostname: text,
        username: text,
        uid: fc.nat(),
        gid: fc.nat(),
        excludes: fc.array(text, { minLength: 1, maxLength: 3 }),
        tags: fc.array(text, { minLength: 1, maxLength: 3 }),
        program_version: text,
        summary: fc.constant(summary),
      },
      { requiredKeys: [] },
    );
    const any = fc.tuple(id, fc.nat({ max: 59 }), id, fc.array(text, { maxLength: 2 }), optional);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(any, { minLength: 16, maxLength: 24, selector: ([own]) => own }), async (list) => {
        const now = list.map(([own, minute, tree, paths, rest]) => ({
          id: own,
          snapshot: { time: snapshotAt(minute).time, tree, paths, ...rest } satisfies Snapshot,
        }));
        const place = new KeptFolder(mkdtempSync(join(folder, 'any-')), first.masterKey);
        await keepSnapshots(place, new Map(), now);
        expect(await readKeptSnapshots(place)).toEqual(new Map(now.map((each) => [each.id, each.snapshot])));
      }),
      { numRuns: 30 },
    );
  });
});

test('the oldest comes first, to the nanosecond and in every zone; of equal times the smaller id', async () => {
  const times = [
    '2026-11-20T10:00:00.000000002Z',
    '2026-11-20T11:00:00.000000001+01:00',
    '2026-11-20T10:00:00Z',
    '2026-11-20T10:00:00.001Z',
    '1969-12-31T23:59:59.9999Z',
    '2026-11-20T09:00:00-01:30',
  ];
  for (const time of times) await saveSnapshot(open(), snapshotAt(0, { time }));
  const twins = [await saveSnapshot(open(), snapshotAt(1)), await saveSnapshot(open(), snapshotAt(1))].toSorted();
  const loaded = await loadSnapshots(open());
  expect(loaded.map(({ snapshot }) => snapshot.time).slice(0, 5)).toEqual([times[4], times[2], times[1], times[0], times[3]]);
  expect(loaded.filter(({ id }) => twins.includes(id)).map(({ id }) => id)).toEqual(twins);
});
