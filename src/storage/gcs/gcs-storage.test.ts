import { afterAll, beforeAll } from 'vitest';
import { startGcsEmulator, type GcsEmulator } from '../../../test/harness/stores/gcs-emulator.ts';
import { storageContract } from '../testing/contract.ts';
import { createGcsStorage } from './gcs-storage.ts';

let emulator: GcsEmulator | undefined;
let buckets = 0;
/* The first of a machine fetches it. */
beforeAll(async () => void (emulator = await startGcsEmulator()), 300_000);
afterAll(() => emulator?.stop());

/* What the emulator cannot judge, its harness does: see there. */
storageContract("Google (Firebase's emulator)", async () => {
  buckets += 1;
  const address = { scheme: 'gs', bucket: `contract-${buckets}`, prefix: 'backups/app', parameters: {} } as const;
  const options = { environment: emulator?.environment ?? {}, connections: 4 };
  return { storage: await createGcsStorage(address, options, { pageSize: 3 }), cleanup: async () => {} };
});
