/** A small folder that changes a little from backup to backup, the same for the same seed. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTree, type Aspect } from '../harness/trees/read-tree.ts';
import { noiseBytes, seededBelow, textBytes } from '../harness/trees/seeded-bytes.ts';

const files = 60;
const largeBytes = 1_500_000;

/** Makes the folder: 60 files of some kilobytes in 6 folders, and two of 1.5 MB; or less of both. */
export function makeSmallTree(folder: string, seed: string, part = 1): void {
  for (let number = 0; number < files * part; number++) writeOne(folder, number, seed);
  writeFileSync(join(folder, 'large'), noiseBytes(`${seed} large`, Math.round(largeBytes * part)));
  writeFileSync(join(folder, 'other-large'), textBytes(`${seed} other`, Math.round(largeBytes * part)));
}

/** Changes some of the files, one of the large ones at times, adds one and removes one. */
export function changeSmallTree(folder: string, seed: string, part = 1): void {
  for (let turn = 0; turn < 8; turn++) writeOne(folder, seededBelow(`${seed} which ${turn}`, Math.ceil(files * part)), `${seed} ${turn}`);
  if (seededBelow(`${seed} large`, 3) === 0)
    writeFileSync(join(folder, 'large'), noiseBytes(`${seed} large`, Math.round(largeBytes * part)));
  rmSync(join(folder, `part-${seededBelow(`${seed} gone`, 6)}`, `file-${seededBelow(`${seed} gone`, files)}`), { force: true });
  writeFileSync(join(folder, `new-${seededBelow(`${seed} new`, 5)}`), textBytes(`${seed} new`, 3000));
}

function writeOne(folder: string, number: number, seed: string): void {
  mkdirSync(join(folder, `part-${number % 6}`), { recursive: true });
  const bytes = number % 2 === 0 ? noiseBytes : textBytes;
  writeFileSync(
    join(folder, `part-${number % 6}`, `file-${number}`),
    bytes(`${seed} ${number}`, 500 + seededBelow(`${seed} ${number}`, 12_000)),
  );
}

const unseen = new Set<Aspect>(['xattrs', 'holes']);

/** One hash of all that is in a folder: names, types, contents, modes, owners, times. The folder's own time does not count. */
export function digestOf(folder: string): string {
  const facts = [...readTree(folder, unseen)].filter(([path]) => path !== '.').map(([path, entry]) => [path, entry.facts]);
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
