/** Changes one per cent of a data set. Every changed file is a new one; its original is moved to the undo folder first. */
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Random } from './random.ts';
import { contentOf, type PlannedFile } from './contents.ts';
import { changedOrders } from './sql.ts';

const share = 0.01;
const largeBytes = 4_000_000;
const sqlClusters = 64;
const largeClusters = 8;
const copyBytes = 4 << 20;

/** Rewrites one small file in a hundred, wherever they lie, lets every log grow by 1 %, rewrites 1 % inside the other large files in clusters. */
export function changePlanned(plan: readonly PlannedFile[], folder: string, undo: string): void {
  const random = new Random('which files change');
  const small = plan.filter((file) => file.size < largeBytes && random.fraction() < share);
  for (const file of small) {
    setAside(file, folder, undo);
    writeFileSync(join(folder, file.path), Buffer.concat([...contentOf(changed(file, Math.round(file.size * 1.02)))]));
  }
  for (const file of plan.filter((candidate) => candidate.size >= largeBytes)) {
    const original = setAside(file, folder, undo);
    copyFileSync(original, join(folder, file.path));
    if (file.kind === 'log')
      appendFileSync(join(folder, file.path), Buffer.concat([...contentOf(changed(file, Math.round(file.size * share)))]));
    else overwriteClusters(file, join(folder, file.path));
  }
}

/** Replaces 1 % of the rows of the larger table, in 64 clusters, by rows of other lengths, so that what follows moves. */
export function changeSql(path: string, original: string): void {
  mkdirSync(dirname(original), { recursive: true });
  renameSync(path, original);
  const from = openSync(original, 'r');
  const to = openSync(path, 'w');
  try {
    const { size } = fstatSync(from);
    const clusterBytes = Math.round((size * share) / sqlClusters);
    let at = 0;
    for (let cluster = 0; cluster < sqlClusters; cluster += 1) {
      const start = lineStart(from, Math.round(size * (0.15 + (0.8 * cluster) / sqlClusters)));
      const end = lineStart(from, start + clusterBytes);
      copyRange(from, to, at, start);
      writeSync(to, changedOrders(String(cluster), idAt(from, start), end - start));
      at = end;
    }
    copyRange(from, to, at, size);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function changed(file: PlannedFile, size: number): PlannedFile {
  return { ...file, size, seed: `${file.seed} changed` };
}

function setAside(file: PlannedFile, folder: string, undo: string): string {
  const original = join(undo, file.path);
  mkdirSync(dirname(original), { recursive: true });
  renameSync(join(folder, file.path), original);
  return original;
}

function overwriteClusters(file: PlannedFile, path: string): void {
  const length = Math.round((file.size * share) / largeClusters);
  const target = openSync(path, 'r+');
  try {
    for (let cluster = 0; cluster < largeClusters; cluster += 1) {
      const bytes = Buffer.concat([...contentOf({ ...file, size: length, seed: `${file.seed} cluster ${cluster}` })]);
      writeSync(target, bytes, 0, bytes.length, Math.round((file.size * (cluster + 0.5)) / largeClusters));
    }
  } finally {
    closeSync(target);
  }
}

/** Where the first whole line at or after the offset begins. */
function lineStart(file: number, offset: number): number {
  const window = Buffer.alloc(8192);
  const end = window.subarray(0, readSync(file, window, 0, window.length, offset)).indexOf(10);
  if (end < 0) throw new Error(`Cannot find a line of the dump: there is no line end within ${window.length} bytes after ${offset}.`);
  return offset + end + 1;
}

function idAt(file: number, offset: number): number {
  const window = Buffer.alloc(32);
  readSync(file, window, 0, window.length, offset);
  return Number.parseInt(window.toString('latin1'), 10);
}

function copyRange(from: number, to: number, start: number, end: number): void {
  const window = Buffer.alloc(copyBytes);
  for (let at = start; at < end;) {
    const read = readSync(from, window, 0, Math.min(window.length, end - at), at);
    if (read === 0) throw new Error(`Cannot copy the dump: it ends at ${at}, before ${end}.`);
    writeSync(to, window, 0, read);
    at += read;
  }
}
