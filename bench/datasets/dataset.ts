/**
 * The data sets on disk: made once, used again when they are complete, changed by one per cent and changed back.
 * A changed file's original waits in the `undo` folder under the same name, so that a run that was cut short is put right by the next.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { contentOf, type PlannedFile } from './contents.ts';
import { changePlanned, changeSql } from './mutate.ts';
import { planMixed } from './mixed.ts';
import { planSmall } from './small.ts';
import { sqlDump } from './sql.ts';

export const datasetNames = ['small', 'mixed', 'sql'] as const;
export type DatasetName = (typeof datasetNames)[number];

export interface Dataset {
  readonly name: DatasetName;
  /** The folder that is backed up. */
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Changes one per cent of it. */
  mutate(): void;
  /** Puts the originals back. */
  revert(): void;
}

/* Raised when a generator changes, so that data made by an older one is made anew. */
const generatorVersion = 1;
const sqlFile = 'dump.sql';
const markerSchema = z.object({
  complete: z.boolean(),
  generatorVersion: z.number(),
  scale: z.number(),
  files: z.number(),
  bytes: z.number(),
});
type Marker = z.infer<typeof markerSchema>;

/**
 * Makes the data set below `parent`, or uses the one that is there.
 * Throws when a folder is in the way that the benchmark did not make.
 * @param scale 1 for the full size; smaller for a trial of the benchmark itself.
 */
export function openDataset(name: DatasetName, parent: string, scale: number): Dataset {
  const folder = join(parent, name);
  const undo = join(parent, `${name}.undo`);
  const markerPath = join(parent, `${name}.json`);
  const revert = (): void => putBack(undo, folder);
  let marker = readMarker(markerPath);
  if (marker?.complete === true && marker.generatorVersion === generatorVersion && marker.scale === scale && existsSync(folder)) {
    revert();
  } else {
    if (marker === undefined && existsSync(folder))
      throw new Error(`Cannot make the data set: ${folder} is there and was not made by the benchmark. Choose another --data.`);
    for (const stale of [folder, undo]) rmSync(stale, { recursive: true, force: true });
    mkdirSync(parent, { recursive: true });
    const begun = { complete: false, generatorVersion, scale, files: 0, bytes: 0 };
    writeFileSync(markerPath, JSON.stringify(begun));
    marker = { ...begun, ...generate(name, folder, scale), complete: true };
    writeFileSync(markerPath, JSON.stringify(marker));
  }
  const mutate = (): void => {
    if (name === 'sql') changeSql(join(folder, sqlFile), join(undo, sqlFile));
    else changePlanned(planOf(name, scale), folder, undo);
  };
  return { name, folder, files: marker.files, bytes: marker.bytes, mutate, revert };
}

function readMarker(path: string): Marker | undefined {
  return existsSync(path) ? markerSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

function planOf(name: 'small' | 'mixed', scale: number): PlannedFile[] {
  return name === 'small' ? planSmall(scale) : planMixed(scale);
}

function generate(name: DatasetName, folder: string, scale: number): { files: number; bytes: number } {
  mkdirSync(folder, { recursive: true });
  if (name === 'sql') return { files: 1, bytes: writePieces(join(folder, sqlFile), sqlDump(scale)) };
  const plan = planOf(name, scale);
  for (const parent of new Set(plan.map((file) => dirname(file.path)))) mkdirSync(join(folder, parent), { recursive: true });
  let bytes = 0;
  for (const file of plan) bytes += writePieces(join(folder, file.path), contentOf(file));
  return { files: plan.length, bytes };
}

function writePieces(path: string, pieces: Iterable<Buffer>): number {
  let bytes = 0;
  const file = openSync(path, 'w');
  try {
    for (const piece of pieces) bytes += writeSync(file, piece);
  } finally {
    closeSync(file);
  }
  return bytes;
}

function putBack(undo: string, folder: string): void {
  if (!existsSync(undo)) return;
  for (const entry of readdirSync(undo, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const original = join(entry.parentPath, entry.name);
    renameSync(original, join(folder, original.slice(undo.length + 1)));
  }
  rmSync(undo, { recursive: true });
}
