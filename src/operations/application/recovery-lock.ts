/** One recovery of an application at a time on one host: two would write over each other's work, and over each other's journal. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import { readProcessStart } from '../../util/process-start.ts';

const holderSchema = z.object({
  application: z.string(),
  repository: z.string(),
  pid: z.number().int().positive(),
  started: z.string(),
  since: z.string(),
});
const stem = 'recovering-';

type Holder = z.infer<typeof holderSchema>;

/**
 * Does the work while no other process of this host may recover the same application, or from the same repository, whose journal it would share. Throws `recovery-running`, and what the work throws.
 *
 * Every process writes a file of its own name and then looks for others: of two that come at once, one or both see the other, and never
 * neither. A file whose process has ended is removed; no other can have taken its name.
 */
export async function withRecoveryLock<Result>(
  stateFolder: string,
  { application, repository, now }: { readonly application: string; readonly repository: string; readonly now: Date },
  work: () => Promise<Result>,
): Promise<Result> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const own = `${stem}${randomUUID()}.json`;
  const file = join(stateFolder, own);
  const holder: Holder = {
    application,
    repository,
    pid: process.pid,
    started: await readProcessStart(process.pid),
    since: now.toISOString(),
  };
  await writeFile(`${file}.part`, JSON.stringify(holder), { mode: 0o600 });
  await rename(`${file}.part`, file);
  try {
    for (const name of await readdir(stateFolder)) {
      if (!name.startsWith(stem) || !name.endsWith('.json') || name === own) continue;
      const other = await readHolder(join(stateFolder, name));
      if (other === undefined || (other.application !== application && other.repository !== repository)) continue;
      const since = other.since.replace(/\.\d+Z$/, 'Z');
      throw new HoldfastError('recovery-running', { application, other: other.application, pid: other.pid, since });
    }
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** Who holds a lock; undefined, and the file is gone, where nobody does any more. */
async function readHolder(file: string): Promise<Holder | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const holder = parseHolder(text);
  if (holder !== undefined && (await readProcessStart(holder.pid)) === holder.started) return holder;
  await rm(file, { force: true });
  return undefined;
}

/** A power cut can leave a file without its content. */
function parseHolder(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
