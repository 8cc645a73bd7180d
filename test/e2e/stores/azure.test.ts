import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { password } from '../../../src/cli/testing/run-holdfast.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { startAzurite, type Azurite } from '../../harness/stores/azurite.ts';
import { startUnderNames, type NamedServer } from '../../harness/stores/under-real-names.ts';
import { liveOneLife } from './life.ts';
import { readRestic } from './read-restic.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

let named: NamedServer<Azurite> | undefined;
beforeAll(async () => void (named = await startUnderNames(['*.blob.core.windows.net'], (certificate) => startAzurite({ certificate }))));
afterAll(() => named?.stop());

/* Under Azure's own names, through a web proxy, with TLS: as restic, which knows no other address, wants it. */
test("a repository's life on Azure (Azurite), which restic judges, and the other way round", async () => {
  if (named === undefined) throw new Error('Azurite does not run');
  const { server, asked } = named;
  const environment = { ...server.environment, ...named.environment, HOLDFAST_FROM_PASSWORD: password };
  const container = await openStorage('azure://life', { environment });
  await container.create();
  await container.close();
  await liveOneLife({ url: 'azure://life/app', otherUrl: 'azure:life:/other/place', environment, resticUrl: 'azure:life:/app' }, 8);
  await readRestic({ url: 'azure://life/restic', resticUrl: 'azure:life:/restic', environment });
  expect([...asked]).toEqual([`${server.account}.blob.core.windows.net:443`]);
});
