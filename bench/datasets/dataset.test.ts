import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { datasetNames, openDataset } from './dataset.ts';

const base = mkdtempSync(join(tmpdir(), 'holdfast-dataset-'));
const scale = 0.01;

afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Size, modification time and hash of every file by its path. */
function contentsOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(path.slice(folder.length), `${statSync(path).mtimeMs} ${hash(path)}`);
  }
  return found;
}

function hash(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

test.each(datasetNames)('%s is changed by about one per cent, and put back exactly', (name) => {
  const dataset = openDataset(name, base, scale);
  const before = contentsOf(dataset.folder);
  expect(before.size).toBe(dataset.files);
  dataset.mutate();
  const changed = contentsOf(dataset.folder);
  expect([...changed.keys()].toSorted()).toEqual([...before.keys()].toSorted());
  const touched = [...changed].filter(([path, facts]) => before.get(path) !== facts).length;
  expect(touched).toBeGreaterThan(0);
  expect(touched).toBeLessThanOrEqual(name === 'sql' ? 1 : before.size * 0.03);
  dataset.revert();
  expect(contentsOf(dataset.folder)).toEqual(before);
});

test('a change that was never put back is put back by the next run', () => {
  const before = contentsOf(openDataset('mixed', base, scale).folder);
  openDataset('mixed', base, scale).mutate();
  expect(contentsOf(openDataset('mixed', base, scale).folder)).toEqual(before);
});

test('the same bytes are made again', () => {
  const again = join(base, 'again');
  const one = openDataset('sql', base, scale);
  const two = openDataset('sql', again, scale);
  expect(hash(join(two.folder, 'dump.sql'))).toBe(hash(join(one.folder, 'dump.sql')));
});

test('some files of the mixed set are copies of others', () => {
  const hashes = [...contentsOf(openDataset('mixed', base, scale).folder).values()].map((facts) => facts.split(' ')[1]);
  expect(new Set(hashes).size).toBeLessThan(hashes.length * 0.85);
});

test("somebody else's folder of that name is left alone", () => {
  const parent = join(base, 'foreign');
  mkdirSync(join(parent, 'small'), { recursive: true });
  writeFileSync(join(parent, 'small', 'precious'), 'precious');
  expect(() => openDataset('small', parent, scale)).toThrow(/was not made by the benchmark/);
  expect(readFileSync(join(parent, 'small', 'precious'), 'utf8')).toBe('precious');
});
