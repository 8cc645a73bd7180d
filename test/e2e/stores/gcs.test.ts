import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { password } from '../../../src/cli/testing/run-holdfast.ts';
import { startGcsEmulator, type GcsEmulator } from '../../harness/stores/gcs-emulator.ts';
import { startUnderNames, type NamedServer } from '../../harness/stores/under-real-names.ts';
import { liveOneLife } from './life.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

let named: NamedServer<GcsEmulator> | undefined;
beforeAll(
  async () =>
    void (named = await startUnderNames(['storage.googleapis.com', '*.googleapis.com'], (certificate) =>
      startGcsEmulator({ certificate }),
    )),
);
afterAll(() => named?.stop());

/* Under Google's own names, through a web proxy, with TLS: as restic, which knows no other address, wants it. restic cannot write to this emulator. */
test("a repository's life on Google Cloud Storage (Firebase's emulator), which restic judges", async () => {
  if (named === undefined) throw new Error('the emulator does not run');
  const environment = {
    ...named.environment,
    GOOGLE_PROJECT_ID: 'project',
    GOOGLE_ACCESS_TOKEN: 'anything',
    HOLDFAST_FROM_PASSWORD: password,
  };
  await liveOneLife({ url: 'gs://life/app', otherUrl: 'gs:life:/other/place', environment, resticUrl: 'gs:life:/app' }, 8);
  expect([...named.asked]).toContain('storage.googleapis.com:443');
});
