/** What lies in GLACIER is asked for, waited for and restored: on Ceph, behind a server that answers for archived objects as Amazon does. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startArchiveFront, type ArchiveFront } from '../../test/harness/stores/archive-front.ts';
import { startCeph, type Ceph } from '../../test/harness/stores/ceph.ts';
import { makeWorkplace, parseLines, password, runHoldfast } from './testing/run-holdfast.ts';
import type { Repository } from '../engine/repository.ts';
import type { HoldfastEvent } from '../events.ts';
import { openSession } from '../operations/open-session.ts';
import { retrieve } from '../operations/retrieve.ts';
import type { RetrievalPlan } from '../operations/retrieve-objects.ts';
import { scopeOfPoint } from '../operations/retrieve-scopes.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

const place = await makeWorkplace();
let ceph: Ceph;
let front: ArchiveFront;
let env: Record<string, string>;
let address: string;
let repository: Repository;

beforeAll(async () => {
  ceph = await startCeph({ storageClasses: true });
  await ceph.createBucket('cold');
  front = await startArchiveFront(ceph.endpoint);
  env = { ...ceph.environment, HOLDFAST_PASSWORD: password, XDG_CACHE_HOME: place.path('cache') };
  address = `s3:${front.endpoint}/cold/app?storage-class=GLACIER`;
  await mkdir(place.path('data', 'small'), { recursive: true });
  await writeFile(place.path('data', 'small', 'note'), 'a note');
  await writeFile(place.path('data', 'large'), randomBytes(40 * 2 ** 20));
  const saved = await runHoldfast(['backup', '-r', address, '--no-cache', '--files', place.path('data')], { env });
  if (saved.status !== 0) throw new Error(saved.stderr);
  repository = await openSession({
    url: address,
    password: () => Promise.resolve(password),
    place: { environment: env, cache: false },
  });
});
afterAll(async () => {
  await repository.close();
  await front.stop();
  await ceph.stop();
  await place.remove();
});

const facts = (): { now: Date } => ({ now: repository.clock.now() });

test('a plan, the requests, the wait, and then it is there; what was asked for is not asked for again', async () => {
  const target = place.path('target');
  const restore = (...more: string[]): ReturnType<typeof runHoldfast> =>
    runHoldfast(['restore', 'latest', '-r', address, '--no-cache', '--target', target, ...more], { env });
  const refused = await restore();
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('--retrieve standard');

  const planned = await restore('--retrieve', 'bulk', '--dry-run', '--json');
  expect(planned.status).toBe(0);
  expect(parseLines(planned.stdout)).toMatchObject([{ message_type: 'retrieval', objects: 1, asked: 0, speed: 'bulk', dry_run: true }]);
  expect(front.asked.size).toBe(0);

  // One file needs the lists of folders and its own pack, and no more.
  const plans: RetrievalPlan[] = [];
  const request = { speed: 'bulk', lock: {}, dryRun: false, wait: { first: 20, longest: 50 } } as const;
  const note = scopeOfPoint({ name: 'latest' }, place.path('data', 'small'), facts());
  const quiet = { events: (): void => {}, signal: new AbortController().signal };
  expect(await retrieve(repository, { ...request, scope: note, onPlan: (plan) => plans.push(plan) }, quiet)).toBe(true);
  expect(plans).toHaveLength(2);
  expect(plans.every(({ objects, asked }) => objects === 1 && asked === 0)).toBe(true);
  expect([...front.asked.values()]).toEqual(['Bulk 7', 'Bulk 7']);

  // Interrupted while it waits, it goes on where it was.
  const whole = scopeOfPoint({ name: 'latest' }, undefined, facts());
  const stop = new AbortController();
  front.lookups = 1000;
  const events = (event: HoldfastEvent): void => {
    if (event.type === 'progress') setTimeout(() => stop.abort(), 200);
  };
  const interrupted = retrieve(repository, { ...request, scope: whole, onPlan: () => {} }, { events, signal: stop.signal });
  await expect(interrupted).rejects.toMatchObject({ code: 'interrupted' });
  const asked = front.asked.size;
  expect(asked).toBeGreaterThan(3);
  front.lookups = 20;
  const again: RetrievalPlan[] = [];
  const shown: HoldfastEvent[] = [];
  await retrieve(
    repository,
    { ...request, scope: whole, onPlan: (plan) => again.push(plan) },
    { ...quiet, events: (event) => shown.push(event) },
  );
  expect(again.at(-1)).toMatchObject({ objects: asked - 2, asked: asked - 2 });
  expect(shown.at(-1)).toMatchObject({ type: 'progress', phase: 'retrieve', itemsDone: asked - 2, itemsTotal: asked - 2 });
  expect({ asked: front.asked.size, twice: front.askedTwice }).toEqual({ asked, twice: [] });

  const restored = await restore('--retrieve', 'standard');
  expect({ status: restored.status, stderr: restored.status === 0 ? '' : restored.stderr }).toEqual({ status: 0, stderr: '' });
  const file = await readFile(join(target, place.path('data', 'large')));
  expect(file.equals(await readFile(place.path('data', 'large')))).toBe(true);
  // All is there by now: nothing is waited for.
  const checked = await runHoldfast(['check', '-r', address, '--no-cache', '--read-data', '--retrieve', 'standard'], { env });
  expect(checked.status).toBe(0);
  const printed = await runHoldfast(
    ['cat', '-r', address, '--no-cache', `latest:${place.path('data', 'small', 'note')}`, '--retrieve', 'bulk'],
    { env },
  );
  expect(printed.stdout).toBe('a note');
});
