/** How often people are told that a recovery goes on. */
import { expect, test } from 'vitest';
import { createNotifier } from '../../observe/notify/notifier.ts';
import { createMemoryAlarmStore } from '../../observe/notify/memory-alarm-store.ts';
import { startHookServer } from '../../../test/harness/watch/hook-server.ts';
import type { RecoverySubject } from './recovery-messages.ts';
import { beginTelling } from './recovery-teller.ts';

const began = new Date('2026-11-20T12:00:00Z');
const subject: RecoverySubject = {
  id: 'one',
  application: 'shop',
  source: 'the point 1a2b3c4d',
  moment: new Date('2026-11-20T02:00:00Z'),
  began,
  host: 'vault',
  expected: { seconds: 1800, from: 'by drills of the whole' },
  allowedMs: 3_600_000,
  steps: ['restore database', 'restore uploads', 'start all services'],
  isResumed: false,
};

test('that it goes on is told at a step, and not more than every 15 minutes', async () => {
  const hook = await startHookServer();
  let now = began;
  const clock = { now: () => now };
  const after = (minutes: number): void => void (now = new Date(began.getTime() + minutes * 60_000));
  const target = { kind: 'webhook' as const, url: () => Promise.resolve(hook.url) };
  const notifier = createNotifier({
    application: 'shop',
    routes: [{ name: 'hook', target, address: hook.url }],
    store: createMemoryAlarmStore(),
    clock,
    host: 'vault',
  });
  const teller = beginTelling(subject, { notifier, clock });
  const saw = (count: number) => expect.poll(() => hook.requests.length, { timeout: 30_000 }).toBe(count);
  await saw(1);
  teller.step('restore database');
  after(14);
  teller.step('restore uploads');
  after(16);
  teller.step('a phase of some step');
  teller.step('start all services');
  await saw(2);
  after(50);
  teller.end({ verdict: 'incomplete', seconds: 3000, sentences: ['notes is missing: no point has it.'], facts: {} });
  expect(await teller.close()).toEqual({ reached: ['hook'], missed: [] });
  await hook.stop();
  const said = hook.requests.map(({ body }) => body);
  expect(said).toHaveLength(3);
  expect(said[0]).toContain('It should take 30 min, by drills of the whole; 1 h are allowed.');
  expect(said[0]).toContain('what was written in the 10 h between that and the beginning of the recovery is lost');
  expect(said[1]).toContain('goes on: step 3 of 3, start all services');
  expect(said[1]).toContain('About 14 min are left.');
  expect(said[2]).toContain('is done, and something is missing');
  expect(said[2]).toContain('It took 50 min; 1 h were allowed.');
});
