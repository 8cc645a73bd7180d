/** A whole application, and a database as it was at a moment, come back from GLACIER: what is asked for is enough, and no more than that. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startArchiveFront, type ArchiveFront } from '../../test/harness/stores/archive-front.ts';
import { startCeph, type Ceph } from '../../test/harness/stores/ceph.ts';
import { openSession } from '../operations/open-session.ts';
import { startSavedServer, type SavedServer } from '../operations/point-in-time/testing/saved-server.ts';
import { retrieve } from '../operations/retrieve.ts';
import { scopeOfMoment, scopeOfRecovery } from '../operations/retrieve-scopes.ts';
import type { RetrievalScope } from '../operations/retrieve.ts';
import { systemClock } from '../util/clock.ts';
import { openStorage } from '../storage/open-storage.ts';
import { makeWorkplace, runHoldfast, toldBeside } from './testing/run-holdfast.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const password = 'secret';
const facts = (): { now: Date } => ({ now: systemClock.now() });
const place = await makeWorkplace();
let ceph: Ceph;
let front: ArchiveFront;
let saved: SavedServer;
let env: Record<string, string>;

beforeAll(async () => {
  ceph = await startCeph({ storageClasses: true });
  await ceph.createBucket('cold');
  front = await startArchiveFront(ceph.endpoint);
  env = { ...ceph.environment, HOLDFAST_PASSWORD: password, HOLDFAST_STATE: place.path('state'), XDG_CACHE_HOME: place.path('cache') };
  saved = await startSavedServer();
  await chmod(place.folder, 0o755); // PostgreSQL's user is to enter it
});
afterAll(async () => {
  await saved.stopReceiving();
  await saved.stop();
  await front.stop();
  await ceph.stop();
  await place.remove();
});

/** Asks for what is needed and waits for it, without the pauses of a real archive. Objects asked for. */
async function bring(url: string, scope: RetrievalScope): Promise<number> {
  const before = front.asked.size;
  const repository = await openSession({ url, password: () => Promise.resolve(password), place: { environment: env, cache: false } });
  const wait = { first: 20, longest: 50 };
  const request = { speed: 'bulk', lock: {}, dryRun: false, wait, scope, onPlan: () => {} } as const;
  try {
    await retrieve(repository, request, { events: () => {}, signal: new AbortController().signal });
  } finally {
    await repository.close();
  }
  return front.asked.size - before;
}

test('an application is recovered', async () => {
  const url = `s3:${front.endpoint}/cold/app?storage-class=GLACIER`;
  await mkdir(place.path('app', 'uploads'), { recursive: true });
  const file = place.path('app', 'holdfast.yaml');
  await writeFile(place.path('app', '.env'), 'PORT=8080\n');
  await writeFile(
    file,
    `application: shop\nrepositories: { cold: "${url}" }\ncomponents:\n  uploads: { files: ./uploads }\n  config: { config: { files: [.env, holdfast.yaml], secrets: encrypted } }\n`,
  );
  /* What only the first point has is not needed for the second. */
  for (const upload of ['first', 'second']) {
    await writeFile(place.path('app', 'uploads', 'picture'), upload.repeat(100_000));
    const made = await runHoldfast(['backup', '--no-cache', '-c', file], { env });
    expect(made.stderr).not.toContain('Cannot');
    expect(made.status).toBe(0);
  }
  const recover = (...more: string[]): ReturnType<typeof runHoldfast> =>
    runHoldfast(['recover', '-r', url, '--no-cache', '--target', place.path('back'), '--yes', ...more], { env });
  const refused = await recover();
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('--retrieve');
  const brought = await bring(url, scopeOfRecovery({}, facts()));
  const all = await bring(url, 'all');
  expect(brought).toBeGreaterThan(1);
  expect(all).toBeGreaterThan(0);
  const recovered = await recover('--retrieve', 'bulk');
  expect(recovered.stderr).not.toContain('Cannot');
  expect(recovered.status).toBe(0);
  expect(await readFile(join(place.path('back'), place.path('app', 'uploads', 'picture')), 'utf8')).toBe('second'.repeat(100_000));
});

test('a database comes back as it was at a moment', async () => {
  const { cluster } = saved;
  await cluster.query('CREATE TABLE orders (id int PRIMARY KEY)');
  await saved.takeBase();
  await cluster.query('INSERT INTO orders SELECT generate_series(1, 500)');
  const moment = await saved.now();
  await cluster.query('SELECT pg_sleep(0.05)');
  await cluster.query('DROP TABLE orders');
  await saved.settle();
  await saved.stopReceiving();
  const url = `s3:${front.endpoint}/cold/moments?storage-class=GLACIER`;
  await copyObjects(join(saved.room, 'repository'), url);
  const file = place.path('moments.yaml');
  await writeFile(
    file,
    `application: shop\nrepositories: { cold: "${url}" }\ncomponents:\n  database: { postgres: { url: "${cluster.url('postgres')}", mode: physical } }\n`,
  );
  const words = [
    'restore',
    '--component',
    'database',
    '--at',
    moment.toISOString(),
    '--target',
    place.path('pgdata'),
    '--no-cache',
    '-c',
    file,
  ];
  expect((await runHoldfast(words, { env })).stderr).toContain('--retrieve');
  expect(await bring(url, scopeOfMoment({ name: 'latest', component: 'database' }, moment, facts()))).toBeGreaterThan(1);
  const restored = await runHoldfast([...words, '--retrieve', 'bulk', '--json'], { env });
  expect(toldBeside(restored.stderr)).toEqual([]);
  expect(restored.status).toBe(0);
  expect(restored.stdout).toContain('"state":"promoted"');
});

/** As they are: the same repository in another place. */
async function copyObjects(from: string, to: string): Promise<void> {
  const [source, target] = [await openStorage(from, { environment: env }), await openStorage(to, { environment: env })];
  await target.create();
  for await (const { key } of source.list('')) await target.put(key, await source.get(key));
  await Promise.all([source.close(), target.close()]);
}
