/** What PostgreSQL's restore_command does: one file comes out of the repository, or it is proven that there is none. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import { looksLikeSegment } from '../../wal/segment-name.ts';
import { historyName, timelineOfHistory } from '../../wal/timeline-history.ts';
import type { WalArchive } from '../../wal/wal-archive.ts';
import { findCluster } from './find-cluster.ts';

const firstTimelineId = 1;

/**
 * Writes a file of that name to a path: under a temporary name first, so that it is there whole or not at all. A part-filled segment is filled up with
 * zeros, where PostgreSQL sees the end of the WAL. `absent`: the repository was read, and it is not in it. Throws for anything else.
 */
export async function fetchWal(repository: Repository, name: string, target: string, systemId?: string): Promise<'fetched' | 'absent'> {
  const objects = openSealedObjects(repository);
  const cluster = systemId ?? (await findCluster(objects, repository.location, target));
  const content = await readFrom(openWalArchive(objects, cluster), name);
  if (content === undefined) return 'absent';
  await writeWhole(target, content);
  return 'fetched';
}

async function readFrom(archive: WalArchive, name: string): Promise<Buffer | undefined> {
  // A server that is being promoted asks for it, and stops where it is told anything but that it is not there. The first timeline has none.
  if (name === historyName(firstTimelineId)) return undefined;
  const timeline = timelineOfHistory(name);
  if (timeline !== undefined) return archive.readHistory(timeline);
  if (!looksLikeSegment(name)) return archive.readFile(name);
  try {
    return (await archive.readSegment(name)).content;
  } catch (error) {
    if (isError(error, 'wal-missing')) return undefined;
    throw error;
  }
}

async function writeWhole(target: string, content: Uint8Array): Promise<void> {
  const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new HoldfastError('wal-file', { name: target, reason: reasonOf(error) }, error);
  }
}
