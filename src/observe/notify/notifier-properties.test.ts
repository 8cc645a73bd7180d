/** Whatever happens on the way: in the end a receiver believes what is true. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startHookServer, type HookServer } from '../../../test/harness/watch/hook-server.ts';
import type { Alarm, AlarmSeverity } from './alarm.ts';
import { createMemoryAlarmStore } from './memory-alarm-store.ts';
import { createNotifier, type Notifier } from './notifier.ts';

const minute = 60_000;
const hour = 60 * minute;
const body = z.object({ alarms: z.array(z.object({ key: z.string(), state: z.string() })) });

let hook: HookServer;
let down = false;
/** What the receiver knows: the last it heard of each alarm. */
const believed = new Map<string, string>();

beforeAll(async () => {
  hook = await startHookServer(({ body: text }) => {
    if (down) return [503, ''];
    for (const { key, state } of body.parse(JSON.parse(text)).alarms) believed.set(key, state);
    return [200, ''];
  });
});
afterAll(() => hook.stop());

type Step =
  | { readonly do: 'raise'; readonly key: string; readonly severity: AlarmSeverity }
  | { readonly do: 'resolve'; readonly key: string }
  | { readonly do: 'tick' | 'flush' | 'restart' | 'break' | 'mend' }
  | { readonly do: 'wait'; readonly ms: number };

const key = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('raise' as const), key, severity: fc.constantFrom<AlarmSeverity>('warning', 'critical') }),
  fc.record({ do: fc.constant('resolve' as const), key }),
  fc.record({
    do: fc.constantFrom('tick' as const, 'tick' as const, 'flush' as const, 'restart' as const, 'break' as const, 'mend' as const),
  }),
  // Also days, and the clock put back.
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(minute, 5 * minute, hour, 25 * hour, 100 * hour, -30 * hour) }),
);

test('what was told last of each alarm is how it is', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, isQuiet) => {
      believed.clear();
      down = false;
      let now = new Date('2026-11-20T12:00:00Z');
      const store = createMemoryAlarmStore();
      const start = (): Notifier =>
        createNotifier({
          application: 'shop',
          routes: [
            {
              name: 'hook',
              address: '',
              target: { kind: 'webhook', url: () => Promise.resolve(hook.url) },
              ...(isQuiet ? { quiet: { from: 11 * 60, to: 18 * 60 } } : {}),
            },
          ],
          timezone: 'UTC',
          store,
          clock: { now: () => now },
          host: 'vault',
          patience: [],
        });
      let notifier = start();
      for (const each of steps) {
        if (each.do === 'raise') notifier.raise(alarmOf(each.key, each.severity, now));
        else if (each.do === 'resolve') notifier.resolve(each.key, 'over');
        else if (each.do === 'wait') now = new Date(now.getTime() + each.ms);
        else if (each.do === 'tick') await notifier.tick();
        else if (each.do === 'flush') await notifier.flush();
        else if (each.do === 'restart') notifier = start();
        else down = each.do === 'break';
      }
      down = false;
      for (let round = 0; round < 26; round++) {
        now = new Date(now.getTime() + hour);
        await notifier.tick();
      }
      const isOpen = new Set(notifier.openAlarms().map(({ alarm }) => alarm.key));
      for (const each of ['a', 'b', 'c']) expect([each, /open/.test(believed.get(each) ?? '')]).toEqual([each, isOpen.has(each)]);
      // What stays open may just be due to be told again.
      expect(notifier.routes()[0]?.waiting).toBeLessThanOrEqual(isOpen.size);
      expect([...isOpen].filter((each) => each.startsWith('notify'))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

function alarmOf(name: string, severity: AlarmSeverity, at: Date): Alarm {
  return { key: name, event: 'failure', severity, application: 'shop', title: `Trouble ${name}`, text: '', facts: {}, at };
}
