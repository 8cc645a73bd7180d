import { afterAll, beforeAll } from 'vitest';
import { startAzurite, type Azurite } from '../../../test/harness/stores/azurite.ts';
import { storageContract } from '../testing/contract.ts';
import { createAzureStorage } from './azure-storage.ts';

let azurite: Azurite;
let containers = 0;
/* The first of a machine fetches it. */
beforeAll(async () => void (azurite = await startAzurite()), 300_000);
afterAll(() => azurite.stop());

const mebibyte = 1024 * 1024;

storageContract('Azure (Azurite)', async () => {
  containers += 1;
  const address = {
    scheme: 'azure',
    bucket: `contract-${containers}`,
    prefix: 'backups/app',
    parameters: { endpoint: azurite.endpoint },
  } as const;
  return { storage: await createAzureStorage(address, { environment: azurite.environment }), cleanup: async () => {} };
});

storageContract('Azure (Azurite), files in blocks, the whole container, small pages', async () => {
  containers += 1;
  const address = { scheme: 'azure', bucket: `contract-${containers}`, prefix: '', parameters: { endpoint: azurite.endpoint } } as const;
  const tuning = { largestWhole: 4, blockSize: 3 * mebibyte, pageSize: 3 };
  return {
    storage: await createAzureStorage(address, { environment: azurite.environment, connections: 2 }, tuning),
    cleanup: async () => {},
  };
});
