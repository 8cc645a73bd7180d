/** Puts templates back: beside the files that are there, never over them. */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { CaptureContext, CapturedTree, RestoreOutcome } from '../source.ts';
import { configFolder, readAll, readConfigManifest } from './config-manifest.ts';
import { outside } from './find-config-files.ts';
import { fillTemplate } from './template/fill-template.ts';

export interface ConfigRestoreRequest {
  /** The application's folder; absent: the one of the source. */
  readonly folder?: string;
  /** Also what was not below that folder, each to its own place. Otherwise it goes below `@outside` in the folder. */
  readonly outside?: boolean;
  /** Values for the blanks, by name. A file that can be filled whole is written whole. */
  readonly values?: Readonly<Record<string, string | undefined>>;
}

const largestTemplate = 8 * 1024 * 1024;

/**
 * `NAME.template` is written beside a file that is there, `NAME` where there is none. What is still blank is named in a notice for each file.
 * Throws `config-capture-missing`, `damaged`, `hostile`, `target-unusable`, `target-full`.
 */
export async function restoreTemplates(
  from: CapturedTree,
  request: ConfigRestoreRequest,
  folder: string,
  context: CaptureContext,
): Promise<RestoreOutcome> {
  const { files } = await readConfigManifest(from);
  let [written, beside, blanks] = [0, 0, 0];
  for (const { name, mode } of files) {
    if (context.signal.aborted) throw new HoldfastError('interrupted');
    const path = placeOf(name, folder, request.outside === true);
    const bytes = await readAll(from, `${configFolder}/${name}`, largestTemplate);
    const isThere = (await lstat(path).catch(() => undefined)) !== undefined;
    const filled = fill(name, bytes, isThere ? await readFile(path).catch(() => undefined) : undefined, request.values);
    if (isThere && (await readFile(path).catch(() => undefined))?.equals(filled.bytes) === true) continue;
    const target = isThere ? `${path}.template` : path;
    await writeSafely(
      target,
      isThere ? bytes : filled.bytes,
      mode,
      name.startsWith(`${outside}/`) && request.outside === true ? sep : folder,
    );
    if (isThere) beside += 1;
    else written += 1;
    const missing = isThere ? [] : filled.missing;
    blanks += missing.length;
    if (missing.length > 0) context.events({ type: 'notice', message: `${target} needs values for: ${missing.join(', ')}.` });
    if (isThere) context.events({ type: 'notice', message: `${path} was left as it is; the saved template is ${target}.` });
  }
  return { facts: { folder, files: files.length, written, templates: beside, missing: blanks } };
}

/** Throws `hostile` for a name that leads elsewhere. */
function placeOf(name: string, folder: string, toItsOwnPlace: boolean): string {
  const parts = name.split('/');
  if (name.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new HoldfastError('hostile', { path: JSON.stringify(name), reason: 'it is not a path below the folder' });
  return toItsOwnPlace && parts[0] === outside ? normalize(`/${parts.slice(1).join('/')}`) : join(folder, ...parts);
}

function fill(
  name: string,
  bytes: Buffer,
  existing: Buffer | undefined,
  environment: ConfigRestoreRequest['values'],
): { bytes: Buffer; missing: readonly string[] } {
  const text = bytes.toString('utf8');
  /* What is not UTF-8 stays as it was saved. */
  if (!Buffer.from(text, 'utf8').equals(bytes)) return { bytes, missing: [] };
  const filled = fillTemplate(
    { path: name, text },
    { ...(existing === undefined ? {} : { existing: existing.toString('utf8') }), ...(environment === undefined ? {} : { environment }) },
  );
  return { bytes: Buffer.from(filled.text, 'utf8'), missing: filled.missing };
}

/** Complete or not at all, and never readable by more than it was. Links on the way must not lead out of the folder. */
async function writeSafely(path: string, bytes: Buffer, mode: number, within: string): Promise<void> {
  const temporary = join(dirname(path), `.holdfast-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const [real, root] = [await realpath(dirname(path)), await realpath(within)];
    if (real !== root && !`${real}${sep}`.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))
      throw new HoldfastError('hostile', { path, reason: 'a link on the way leads out of the folder' });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof HoldfastError) throw error;
    const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
    throw new HoldfastError(
      isFull ? 'target-full' : 'target-unusable',
      { path, reason: isFull ? 'the disk is full' : reasonOf(error) },
      error,
    );
  }
}
