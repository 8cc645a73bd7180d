import { parseStorageAddress, refusal } from './storage-address.ts';
import type { StorageOptions } from './storage-options.ts';
import type { Storage } from './storage.ts';

/**
 * The storage behind a repository's address: `parseStorageAddress` tells which forms there are. A driver is loaded when its kind of
 * address is used. Nothing is touched yet.
 * @throws `storage-url`, and `storage-setup` where credentials are missing or of no use
 */
export async function openStorage(url: string, options: StorageOptions = {}): Promise<Storage> {
  const address = parseStorageAddress(url);
  switch (address.scheme) {
    case 'local': {
      if (options.storageClass !== undefined) throw refusal(url, 'a folder has no storage classes');
      if (options.lock !== undefined) throw refusal(url, 'a folder cannot lock what lies in it');
      if (options.asOf !== undefined) throw refusal(url, 'a folder keeps no earlier versions');
      const { createLocalStorage } = await import('./local/local-storage.ts');
      return createLocalStorage(address.path);
    }
    case 's3': {
      const { createS3Storage } = await import('./s3/s3-storage.ts');
      return createS3Storage(address, options);
    }
    case 'gs': {
      const { createGcsStorage } = await import('./gcs/gcs-storage.ts');
      return createGcsStorage(address, options);
    }
    case 'azure': {
      const { createAzureStorage } = await import('./azure/azure-storage.ts');
      return createAzureStorage(address, options);
    }
    case 'sftp': {
      const { createSftpStorage } = await import('./sftp/sftp-storage.ts');
      return createSftpStorage(address, options);
    }
    case 'rest': {
      const { createRestStorage } = await import('./rest/rest-storage.ts');
      return createRestStorage(address, options);
    }
    default:
      return address satisfies never;
  }
}
