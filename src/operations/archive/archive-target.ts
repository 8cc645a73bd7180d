/** Where an archive is written. */
import { HoldfastError } from '../../errors.ts';
import { parseStorageAddress } from '../../storage/storage-address.ts';
import type { StorageEnvironment, StorageOptions } from '../../storage/storage-options.ts';

export interface WrittenFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/**
 * Files are written one after the other. Nothing stands under the archive's final name before `finish`; where a store has no renaming, each file
 * is whole or not there, and the list of sums, which comes last, says that all are.
 */
export interface ArchiveTarget {
  /** For people, without secrets: where the archive is going to be. */
  readonly location: string;
  /** Throws `archive-exists`. */
  begin(): Promise<void>;
  write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<WrittenFile>;
  /** Reads what was written, and compares. Throws `archive-mismatch`. Undefined where a store does not hand it out at once; then its size was looked at. */
  verify(file: WrittenFile): Promise<boolean>;
  /** Shows the archive under its name. */
  finish(): Promise<void>;
  /** Removes what was written. */
  abandon(): Promise<void>;
  close(): Promise<void>;
}

export interface TargetRequest {
  /** A folder or an address. */
  readonly to: string;
  /** `northstar-20261120T143000Z` */
  readonly name: string;
  /** Its ending, where the archive is one file: `.tar.gz.gpg`. */
  readonly ending: string | undefined;
  readonly storageClass?: string;
  readonly environment: StorageEnvironment;
  readonly now: Date;
}

/** Throws `storage-url`, `storage-setup`, `archive-target`. Nothing is touched yet. */
export async function openTarget(request: TargetRequest): Promise<ArchiveTarget> {
  const address = parseStorageAddress(request.to);
  if (address.scheme === 'local') {
    if (request.storageClass !== undefined)
      throw new HoldfastError('archive-target', {
        location: request.to,
        reason: 'a folder has no storage classes',
        remedy: 'Leave --class out, or name an object store',
      });
    const { openFolderTarget } = await import('./folder-target.ts');
    return openFolderTarget({ ...request, to: address.path });
  }
  if (address.scheme === 'rest')
    throw new HoldfastError('archive-target', {
      location: request.to,
      reason: 'a REST server takes repositories, and nothing else',
      remedy: 'Name a folder, an object store or an SFTP server',
    });
  const { openStorageTarget } = await import('./storage-target.ts');
  return openStorageTarget(request, storageOptionsOf(request));
}

function storageOptionsOf({ environment, storageClass }: Pick<TargetRequest, 'environment' | 'storageClass'>): StorageOptions {
  return { environment, ...(storageClass === undefined ? {} : { storageClass }) };
}
