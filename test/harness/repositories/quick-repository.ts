/** Repositories of holdfast that open at once, because their only key asks scrypt for next to nothing. */
import { join } from 'node:path';
import { initRepository, openRepository, type InitOptions, type Repository } from '../../../src/engine/repository.ts';
import { cheapenKey } from '../../../src/engine/tree/testing/quick-restic.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { password } from '../programs/run-programs.ts';

/** Creates an empty repository in a folder. Its password is that of `run-programs.ts`. */
export async function createQuickRepository(path: string, options: Omit<InitOptions, 'password'> = {}): Promise<void> {
  const repository = await initRepository(createLocalStorage(path), { ...options, password });
  await repository.close();
  await cheapenKey(join(path, 'keys'), password);
}

/** Opens a repository folder, with its storage wrapped where the test needs that. */
export function openQuickRepository(path: string, wrap: (storage: Storage) => Storage = (storage) => storage): Promise<Repository> {
  return openRepository(wrap(createLocalStorage(path)), { password });
}
