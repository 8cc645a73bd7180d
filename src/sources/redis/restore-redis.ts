/** Puts a captured snapshot back where a stopped server will read it. */
import { HoldfastError } from '../../errors.ts';
import type { ContainerAddress, DockerEngine } from '../docker/docker-engine.ts';
import type { CaptureContext, CapturedTree, RestoreOutcome } from '../source.ts';
import { RdbBroken, proveRdb } from './prove-rdb.ts';
import type { RedisAddress } from './redis-address.ts';
import { type RedisManifest, readRedisManifest, snapshotPath } from './redis-manifest.ts';
import { restoreIntoContainer } from './restore-into-container.ts';
import { restoreIntoFolder } from './restore-into-folder.ts';
import { type LayoutChoice, namesOf } from './restore-layout.ts';
import { countKeys } from './server-info.ts';

export interface RedisRestoreRequest extends LayoutChoice {
  /** The server's data folder on this machine, or its stopped container (and the folder inside it). Absent: where it was saved from. */
  readonly into?:
    | { readonly folder: string }
    | { readonly docker: DockerEngine; readonly address: ContainerAddress; readonly folder?: string };
  /** Name of the snapshot file; absent: as it was (`dump.rdb`). */
  readonly dbFileName?: string;
  /** Whether the server keeps an append-only file; absent: when it did, or when one lies in the folder. */
  readonly appendOnly?: boolean;
}

export interface RedisRestore {
  readonly from: CapturedTree;
  readonly request: RedisRestoreRequest;
  readonly context: CaptureContext;
  readonly title: string;
  /** Where it was saved from, one of the two. */
  readonly address?: RedisAddress;
  readonly container?: { readonly docker: DockerEngine; readonly address: ContainerAddress };
}

/** What was done, for the caller: what lay there before and is now called otherwise. */
export interface PlacedFiles {
  readonly place: string;
  readonly setAside: readonly string[];
  /** What lay there before and could not be kept. */
  readonly replaced: readonly string[];
  readonly appendOnly: boolean;
}

/**
 * The server must be stopped: a running one would write over it. What lay there is kept under another name (`….before-restore`) and named
 * in a notice. Throws `redis-running`, `redis-capture-missing`, `redis-restore-folder`, `target-unusable`, `target-full`, `damaged`, `hostile`.
 */
export async function restoreRedis(restore: RedisRestore): Promise<RestoreOutcome> {
  const { from, request, context } = restore;
  const manifest = await readRedisManifest(from);
  const names = namesOf(manifest, request);
  const into: NonNullable<RedisRestoreRequest['into']> = request.into ?? restore.container ?? folderOf(manifest, restore);
  const saved = { manifest, names, choice: request, open: () => readProved(from, manifest) };
  const placed =
    'docker' in into
      ? await restoreIntoContainer({ ...into, folder: into.folder ?? manifest.server.dir ?? '/data' }, saved, context.signal)
      : await restoreIntoFolder(into.folder, saved, restore.address);
  for (const name of placed.setAside) context.events({ type: 'notice', message: `What lay in ${placed.place} before is now ${name}.` });
  for (const name of placed.replaced)
    context.events({ type: 'notice', message: `${name} in ${placed.place} was replaced: the old one is gone.` });
  return {
    facts: {
      place: placed.place,
      size: manifest.snapshot.size,
      keys: countKeys(manifest.server),
      server: `${manifest.server.product} ${manifest.server.version}`,
      appendOnly: placed.appendOnly ? 1 : 0,
      setAside: placed.setAside.join(', '),
    },
  };
}

export interface SavedRedis {
  readonly manifest: RedisManifest;
  readonly names: ReturnType<typeof namesOf>;
  readonly choice: LayoutChoice;
  /** The snapshot's bytes; the last of them only when the whole is proved to be what was saved. Throws `damaged`. */
  open(): AsyncIterable<Uint8Array>;
}

async function* readProved(from: CapturedTree, { snapshot }: RedisManifest): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* proveRdb(from.read(snapshotPath), ({ sha256, size }) => {
      if (sha256 !== snapshot.sha256 || size !== snapshot.size) throw new RdbBroken('it is not the one that its manifest describes');
    });
  } catch (error) {
    if (error instanceof RdbBroken) throw new HoldfastError('damaged', { object: snapshotPath, reason: error.message }, error);
    throw error;
  }
}

function folderOf(manifest: RedisManifest, { title }: RedisRestore): { readonly folder: string } {
  const folder = manifest.server.dir;
  if (folder === undefined || !folder.startsWith('/'))
    throw new HoldfastError('redis-restore-folder', { reason: `where ${title} keeps its data was not known when it was saved` });
  return { folder };
}
