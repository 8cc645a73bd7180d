/** With base backups goes the write-ahead log that they need: without it a copy could only be restored to its own moment. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { parseLsn } from '../../util/lsn.ts';
import { copyWal, type CopiedWal } from '../../wal/copy-wal.ts';
import { listWalSystems } from '../../wal/open-wal-archive.ts';
import { readStoredBases } from './stored-bases.ts';

/** Throws `damaged`, and what storages throw. */
export async function copyWalAlong(from: Repository, to: Repository, { events, signal }: RunContext): Promise<CopiedWal> {
  const total = { objects: 0, bytes: 0 };
  const [source, target] = [openSealedObjects(from), openSealedObjects(to)];
  const systems = await listWalSystems(source);
  if (systems.length === 0) return total;
  const bases = await readStoredBases(to, signal);
  for (const systemId of systems) {
    const needed = bases
      .filter((base) => base.systemId === systemId)
      .map(({ timeline, startLsn }) => ({ timeline, startLsn: parseLsn(startLsn) }));
    if (needed.length > 0) events({ type: 'phase', phase: 'copy write-ahead log' });
    const done = { ...total };
    const { objects, bytes } = await copyWal({
      from: source,
      to: target,
      systemId,
      bases: needed,
      signal,
      onObject: (name, size) => {
        done.objects += 1;
        done.bytes += size;
        events({ type: 'progress', phase: 'copy write-ahead log', itemsDone: done.objects, bytesDone: done.bytes, current: name });
      },
    });
    total.objects += objects;
    total.bytes += bytes;
  }
  return total;
}
