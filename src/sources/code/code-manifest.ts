/** `code.json`: which commit, from where, and what differs from it. */
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../source.ts';

export const codeManifestPath = '/code/code.json';
export const patchPath = '/code/changes.patch';
export const bundlePath = '/code/unpushed.bundle';

const text = z.string().max(10_000);
const commitId = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/);

const manifestSchema = z.object({
  format: z.literal(1),
  /** Addresses hold no user names or passwords. */
  remotes: z.array(z.object({ name: z.string().regex(/^[A-Za-z0-9_][\w./-]{0,200}$/), url: text })).max(1000),
  commit: commitId,
  committedAt: z.iso.datetime({ offset: true }),
  /** Absent where none was checked out. */
  branch: z
    .string()
    .regex(/^[^-\s~^:?*[\\][^\s~^:?*[\\]{0,500}$/)
    .optional(),
  /** As `git describe --tags` says it. */
  tag: text.optional(),
  /** Where within the work tree the configured folder lies, '' for the whole. */
  subfolder: text,
  /** Tracked files that differ from the commit; what differs is in `changes.patch`. */
  changed: z.array(text).max(1_000_000),
  /** Listed only: their contents are not in this capture. */
  untracked: z.array(text).max(1_000_000),
  /** Commits of all branches and tags that no remote had; they are in `unpushed.bundle`. */
  unpushed: z.int().nonnegative(),
  submodules: z.array(z.object({ path: text, commit: text, url: text.optional() })).max(10_000),
  shallow: z.boolean(),
});

export type CodeManifest = z.infer<typeof manifestSchema>;

export interface CapturedCode {
  readonly manifest: CodeManifest;
  readonly patch: boolean;
  readonly bundle: boolean;
}

const largestManifest = 512 * 1024 * 1024;

export function encodeCodeManifest(manifest: CodeManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`, 'utf8');
}

/** Throws `code-capture-missing`, `damaged`. */
export async function readCapturedCode(from: CapturedTree): Promise<CapturedCode> {
  const there = new Set<string>();
  for await (const { path } of from.list('/code')) there.add(path);
  if (!there.has(codeManifestPath)) throw new HoldfastError('code-capture-missing', { reason: `${codeManifestPath} is not in this point` });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of from.read(codeManifestPath)) {
    size += chunk.length;
    if (size > largestManifest) throw new HoldfastError('damaged', { object: codeManifestPath, reason: 'it is far larger than it can be' });
    chunks.push(chunk);
  }
  try {
    const manifest = manifestSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    return { manifest, patch: there.has(patchPath), bundle: there.has(bundlePath) };
  } catch (error) {
    throw new HoldfastError('damaged', { object: codeManifestPath, reason: 'it does not describe code' }, error);
  }
}
