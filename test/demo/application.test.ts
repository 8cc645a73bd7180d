import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { captureToFiles, collectingContext } from '../harness/postgres/captured-files.ts';
import { createPostgresSource } from '../../src/sources/postgres/postgres-source.ts';
import { createApplication, destroyApplication, fingerprintApplication } from '../../scripts/demo/application.ts';
import { rowsExpected } from '../../scripts/demo/application-schema.ts';
import { createUploads } from '../../scripts/demo/uploads.ts';

/* Real servers take as long as the machine takes. */
vi.setConfig({ testTimeout: 120_000 });

test('what is destroyed comes back equal from a capture, and the print tells one changed row', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-application-'));
  const application = await createApplication(folder);
  try {
    const before = await fingerprintApplication(application);
    expect(Object.fromEntries(Object.entries(before.tables).map(([name, { rows }]) => [name, rows]))).toEqual({
      'public.customers': rowsExpected.customers,
      'public.invoices': rowsExpected.invoices,
      'public.lines': rowsExpected.lines,
      'public.payments': rowsExpected.payments,
    });
    expect(Object.keys(before.files)).toHaveLength(303);
    const source = createPostgresSource({
      component: 'database',
      at: { url: application.databaseUrl },
      environment: { PATH: process.env['PATH'] },
    });
    const captured = await captureToFiles(source);
    await destroyApplication(application);
    await expect(fingerprintApplication(application)).rejects.toThrow('does not exist');
    await source.restore(captured, {}, collectingContext());
    await createUploads(application.uploads);
    await captured.remove();
    expect(await fingerprintApplication(application)).toEqual(before);
    await application.cluster.query('UPDATE payments SET amount = amount + 0.01 WHERE id = 77', application.database);
    expect((await fingerprintApplication(application)).tables['public.payments']?.md5).not.toBe(before.tables['public.payments']?.md5);
  } finally {
    await application.stop();
    await rm(folder, { recursive: true });
  }
});
