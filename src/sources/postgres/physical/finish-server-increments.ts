/**
 * Where the server chose the changed pages, its manifest lists incremental files, and its backup_label says that this is no data directory. Both become what they would be of a
 * base backup made whole.
 */
import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import { pathOfIncremental } from '../pages/relation-file.ts';
import { manifestName } from '../replication/base-backup.ts';
import type { Assembly } from './assembly-folders.ts';
import { labelName, largestLabel, unmarkLabel } from './backup-label.ts';
import { type MadeManifest, readAssembledManifest } from './check-assembly.ts';
import { checkFiles } from './file-checker.ts';
import { openRegularFile } from './open-regular-file.ts';
import { encodeServerManifest, type ManifestFile } from './server-manifest.ts';

export interface FinishRequest {
  /** Names of the files that the last increment was put into. */
  readonly combined: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** Returns the new manifest, which is in the data directory too. Throws `damaged`, `base-mismatch`, `interrupted`. */
export async function finishServerIncrements(assembly: Assembly, { combined, signal }: FinishRequest): Promise<MadeManifest> {
  const old = await readAssembledManifest(assembly);
  const computed = new Map<string, ManifestFile>();
  for await (const [{ name }, found] of checkFiles(combinedFiles(assembly, combined), assembly.folders[0]?.target ?? '', signal))
    computed.set(name, { ...found, algorithm: 'SHA256', modified: undefined });
  const files = new Map<string, ManifestFile>();
  for (const [name, file] of old.files) {
    const plain = pathOfIncremental(name);
    const made = plain === undefined ? undefined : computed.get(plain);
    if (plain === undefined) files.set(name, file);
    else if (made !== undefined) files.set(plain, { ...made, modified: file.modified });
    else throw new HoldfastError('damaged', { object: name, reason: 'it is in the manifest, and not in the backup' });
  }
  const data = assembly.folders[0]?.base ?? '';
  const label = files.get(labelName);
  if (label !== undefined) files.set(labelName, await cleanLabel(join(data, labelName), label));
  const manifest = { ...old, files };
  await overwrite(join(data, manifestName), manifestName, encodeServerManifest(manifest));
  return { manifest, computed: new Set(computed.keys()) };
}

function* combinedFiles(
  { folders }: Assembly,
  combined: ReadonlySet<string>,
): Generator<{ name: string; path: string; algorithm: 'SHA256' }, void, undefined> {
  for (const name of combined) {
    const folder = folders.findLast((each) => name.startsWith(each.name));
    if (folder !== undefined) yield { name, path: `${folder.base}/${name.slice(folder.name.length)}`, algorithm: 'SHA256' };
  }
}

/** PostgreSQL refuses to start while the label says that this is an increment. */
async function cleanLabel(path: string, listed: ManifestFile): Promise<ManifestFile> {
  const file = await openRegularFile(path, labelName);
  let before: Buffer;
  try {
    if ((await file.stat()).size > largestLabel) throw new HoldfastError('damaged', { object: labelName, reason: 'it is far too large' });
    before = await file.readFile();
  } finally {
    await file.close();
  }
  const bytes = unmarkLabel(before);
  await overwrite(path, labelName, [bytes]);
  return { ...listed, size: bytes.length, algorithm: 'SHA256', checksum: hash('sha256', bytes, 'hex') };
}

/** In place, so that owner and mode stay. */
async function overwrite(path: string, name: string, content: Iterable<Uint8Array>): Promise<void> {
  const file = await openRegularFile(path, name, constants.O_WRONLY | constants.O_TRUNC);
  try {
    for (const bytes of content) await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
