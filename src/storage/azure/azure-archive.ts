import type { BlobItem, BlockBlobClient } from '@azure/storage-blob';
import type { ArchiveAccess, ArchiveState, ObjectInfo, RetrievalSpeed } from '../storage.ts';

const archiveTier = 'Archive';

/** What the driver does for it. */
export interface AzureBlobs {
  list(prefix: string, signal?: AbortSignal): AsyncGenerator<{ readonly info: ObjectInfo; readonly item: BlobItem }>;
  work<T>(action: 'read' | 'write', key: string, signal: AbortSignal | undefined, work: (blob: BlockBlobClient) => Promise<T>): Promise<T>;
}

/** Blobs of the archive tier: they are moved to Hot, which has no minimum of days, and can be read when they have arrived there. */
export class AzureArchive implements ArchiveAccess {
  readonly #blobs: AzureBlobs;

  constructor(blobs: AzureBlobs) {
    this.#blobs = blobs;
  }

  async *list(prefix: string, signal?: AbortSignal): ReturnType<ArchiveAccess['list']> {
    for await (const { info, item } of this.#blobs.list(prefix, signal)) if (item.properties.accessTier === archiveTier) yield info;
  }

  stateOf(key: string, signal?: AbortSignal): Promise<ArchiveState> {
    return this.#blobs.work('read', key, signal, async (blob) => {
      const { accessTier, archiveStatus } = await blob.getProperties(withSignal(signal));
      if (accessTier !== archiveTier) return 'ready';
      return archiveStatus?.startsWith('rehydrate-pending') === true ? 'retrieving' : 'archived';
    });
  }

  async retrieve(key: string, speed: RetrievalSpeed, signal?: AbortSignal): Promise<void> {
    const rehydratePriority = speed === 'expedited' ? 'High' : 'Standard';
    await this.#blobs.work('write', key, signal, (blob) => blob.setAccessTier('Hot', { rehydratePriority, ...withSignal(signal) }));
  }
}

function withSignal(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
