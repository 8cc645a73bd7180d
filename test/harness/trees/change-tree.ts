/** Changes a made tree in each way that a later backup has to notice. */
import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { runTool } from './run-on-paths.ts';
import { noiseBytes } from './seeded-bytes.ts';

/** New, changed, renamed, removed, another type, only metadata. */
export function changeTree(folder: string): void {
  const path = (name: string): string => `${folder}/${name}`;
  appendFileSync(path('contents/large-noise'), 'and some more');
  writeFileSync(path('contents/size-4096'), noiseBytes('changed', 4096));
  writeFileSync(path('contents/new'), noiseBytes('new', 700_000));
  renameSync(path('contents/zeros'), path('contents/zeros-renamed'));
  renameSync(path('folders/only-folders'), path('folders/moved'));
  rmSync(path('contents/size-512'));
  rmSync(path('contents/empty'));
  mkdirSync(path('contents/empty'));
  rmSync(path('links/dangling'));
  symlinkSync('elsewhere', path('links/dangling'));
  chmodSync(path('contents/one-byte'), 0o604);
  runTool(['setfattr', '-n', 'user.added', '-v', 'later', path('contents/duplicate')]);
}
