import { isError, reasonOf } from '../../errors.ts';
import { listKeys } from '../keys/list-keys.ts';
import { configKey } from '../layout.ts';
import { loadLocks } from '../lock/lock-file.ts';
import type { Repository } from '../repository.ts';
import { decodeConfig } from '../repository-config.ts';
import type { Findings } from './findings.ts';

/** What lets the repository be opened at all, now and the next time: the config, the keys, the locks. */
export async function checkAccess(repository: Repository, findings: Findings): Promise<void> {
  await checkConfig(repository, findings);
  const { keys, problems } = await listKeys(repository);
  for (const { id, reason } of problems) findings.error(`key ${id}`, reason);
  if (!keys.some(({ current }) => current) && !problems.some(({ id }) => id === repository.keyId)) {
    findings.error(`key ${repository.keyId}`, 'the key that opened the repository is not there any more');
  }
  for (const lock of await loadLocks(repository)) if ('problem' in lock) findings.error(`lock ${lock.id}`, lock.problem);
}

async function checkConfig(repository: Repository, findings: Findings): Promise<void> {
  try {
    const json = repository.sealer.open(await repository.storage.get(configKey));
    if (!json) findings.error('config', 'its seal does not fit');
    else if (decodeConfig(json).id !== repository.config.id) findings.error('config', 'it is that of another repository');
  } catch (error) {
    if (isError(error, 'storage-failed') || isError(error, 'storage-denied')) throw error;
    findings.error('config', reasonOf(error));
  }
}
