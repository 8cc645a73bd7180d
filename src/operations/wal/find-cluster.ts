/** Which cluster a file of pg_wal belongs to: as its own first page says, else the pg_control beside it, else the only one that is stored. */
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { WalObjects } from '../../wal/wal-objects.ts';
import { listWalSystems } from '../../wal/open-wal-archive.ts';

/** PostgreSQL runs its commands in the data directory, and names files in pg_wal. Throws `wal-none` where nothing tells. */
export async function findCluster(objects: WalObjects, location: string, path: string): Promise<string> {
  const written = await readSystemId(join(dirname(resolve(path)), '..', 'global', 'pg_control'));
  if (written !== undefined) return written;
  const [only, other] = await listWalSystems(objects);
  if (only !== undefined && other === undefined) return only;
  const reason =
    only === undefined
      ? 'none is stored'
      : 'that of several clusters is stored, and no global/pg_control beside that path says which is meant';
  throw new HoldfastError('wal-none', { location, reason });
}

/** The first eight bytes of pg_control; undefined where there is none. */
async function readSystemId(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return bytesRead === 8 && buffer.readBigUInt64LE(0) > 0n ? buffer.readBigUInt64LE(0).toString() : undefined;
  } finally {
    await file.close();
  }
}
