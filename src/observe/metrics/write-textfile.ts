import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';

/**
 * Writes a file of metrics for the textfile collector of node_exporter, which reads it at any time: it is always whole, and everybody may read
 * it. Its name must end with `.prom`, or it is never read.
 *
 * @throws HoldfastError `metrics-unwritable`
 */
export async function writeTextfile(path: string, text: string): Promise<void> {
  if (!path.endsWith('.prom')) throw unwritable(path, 'its name does not end with .prom, and such files are not read');
  // Beside it, with another ending: what is not whole is not read either.
  const draft = join(dirname(path), `.holdfast-${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  try {
    const file = await open(draft, 'wx', 0o644);
    try {
      await file.chmod(0o644);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw unwritable(path, reasonOf(error), error);
  }
}

function unwritable(path: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('metrics-unwritable', { path, reason }, cause);
}
