/** What PostgreSQL's archive_command does: one finished file of pg_wal goes into the repository. */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import { readSegmentFile } from '../../wal/read-segment-file.ts';
import { looksLikeSegment } from '../../wal/segment-name.ts';
import { parseTimelineHistory, timelineOfHistory } from '../../wal/timeline-history.ts';
import { findCluster } from './find-cluster.ts';

export interface PushedWal {
  readonly name: string;
  readonly systemId: string;
  /** `present`: it was there already, with the same content. */
  readonly result: 'stored' | 'present';
  readonly bytes: number;
}

const largest = 2 ** 30;

/** Throws `wal-file`, `wal-different` where another content is stored under that name, and what storing throws. */
export async function pushWal(repository: Repository, path: string): Promise<PushedWal> {
  const objects = openSealedObjects(repository);
  const name = basename(path);
  const { content, modified } = await readWalFile(path);
  const bytes = content.length;
  if (looksLikeSegment(name)) {
    const { systemId, ...segment } = reading(name, () => readSegmentFile(name, content));
    const archive = openWalArchive(objects, systemId);
    const result = await archive.putSegment({ name, bytes: content, sentFrom: modified, sentAt: modified, ...segment });
    return { name, systemId, result, bytes };
  }
  const systemId = await findCluster(objects, repository.location, path);
  const archive = openWalArchive(objects, systemId);
  const timeline = timelineOfHistory(name);
  if (timeline === undefined) return { name, systemId, result: await archive.putFile(name, content), bytes };
  reading(name, () => parseTimelineHistory(content, timeline));
  return { name, systemId, result: await archive.putHistory(timeline, content), bytes };
}

async function readWalFile(path: string): Promise<{ readonly content: Buffer; readonly modified: Date }> {
  try {
    const { size, mtime } = await stat(path);
    if (size > largest) throw new Error(`it has ${size} bytes, and no file of WAL has as many`);
    return { content: await readFile(path), modified: mtime };
  } catch (error) {
    throw new HoldfastError('wal-file', { name: path, reason: reasonOf(error) }, error);
  }
}

function reading<Value>(name: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new HoldfastError('wal-file', { name, reason: reasonOf(error) }, error);
  }
}
