/** Puts templates back: beside the files that are there, never over them. */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { CaptureContext, CapturedTree, RestoreOutcome } from '../source.ts';
import { configFolder, readAll, readConfigManifest } from './config-manifest.ts';
import { outside } from './find-config-files.ts';
import { removeTemplateNotice } from './template/blank-secrets.ts';
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
 * `NAME.template` is written beside a file that is there, `NAME` where there is none or one that an earlier restore left with blanks. What is
 * still blank is named in a notice for each file, and in the fact `needs`. Throws `config-capture-missing`, `damaged`, `hostile`,
 * `target-unusable`, `target-full`.
 */
export async function restoreTemplates(
  from: CapturedTree,
  request: ConfigRestoreRequest,
  folder: string,
  context: CaptureContext,
): Promise<RestoreOutcome> {
  const { files } = await readConfigManifest(from);
  const toItsOwnPlace = request.outside === true;
  let [written, beside] = [0, 0];
  const needs: string[] = [];
  for (const { name, mode } of files) {
    if (context.signal.aborted) throw new HoldfastError('interrupted');
    const path = placeOf(name, folder, toItsOwnPlace);
    const bytes = await readAll(from, `${configFolder}/${name}`, largestTemplate);
    const there = await lstat(path).catch(() => undefined);
    const existing = there === undefined ? undefined : await readFile(path).catch(() => undefined);
    const isKept = there !== undefined && !(there.isFile() && isUnfinished(name, bytes, existing));
    const filled = fill(name, bytes, existing, request.values);
    const { missing } = isKept && existing !== undefined ? fill(name, existing, undefined, undefined) : filled;
    needs.push(...missing);
    const target = isKept ? `${path}.template` : path;
    if (missing.length > 0) context.events({ type: 'notice', message: `${path} needs values for: ${missing.join(', ')}.` });
    if (existing?.equals(filled.bytes) === true) continue;
    const within = name.startsWith(`${outside}/`) && toItsOwnPlace ? sep : folder;
    await writeSafely(target, isKept ? bytes : filled.bytes, mode, within);
    if (isKept) beside += 1;
    else written += 1;
    if (isKept) context.events({ type: 'notice', message: `${path} was left as it was; the saved template is ${target}.` });
  }
  const blank = needs.length === 0 ? {} : { needs: [...new Set(needs)].join(', ') };
  return { facts: { folder, files: files.length, written, templates: beside, missing: needs.length, ...blank } };
}

/** Whether a file is what an earlier restore wrote, with values for some of the blanks by now, or for all of them. */
function isUnfinished(name: string, template: Buffer, existing: Buffer | undefined): boolean {
  if (existing === undefined) return false;
  const text = existing.toString('utf8');
  const own = fill(name, template, existing, undefined);
  if (own.missing.length > 0) return own.bytes.equals(existing);
  return removeTemplateNotice(text) !== text && own.bytes.equals(Buffer.from(removeTemplateNotice(text), 'utf8'));
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
