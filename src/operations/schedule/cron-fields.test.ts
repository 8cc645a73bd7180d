import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextDue } from '../../policy/schedule.ts';
import { readCron, writeCron } from './cron-fields.ts';

test.each([
  ['0 2 * * *', '0 2 * * *'],
  ['*/15 8-18 * JAN-MAR mon,FRI', '0,15,30,45 8-18 * 1-3 1,5'],
  ['0-59 */23 1-31/10 */12 5-7', '* 0,23 1,11,21,31 1 0,5,6'],
  ['5/20 0 */2 * *', '5,25,45 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * *'],
  ['0 0 */2 * 0-7', '0 0 * * *'],
  ['0 0 1-31 * 1', '0 0 * * *'],
])('%s is %s', (written, plain) => {
  expect(writeCron(readCron(written))).toBe(plain);
});

const part = (least: number, most: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: 2, max: Math.min(12, most) }).map((step) => `*/${step}`),
    fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 }).map((numbers) => numbers.join(',')),
    fc
      .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  );

test('what is written means what was read: the same due times', () => {
  fc.assert(
    fc.property(part(0, 59), part(0, 23), part(1, 28), part(1, 12), part(0, 6), fc.integer({ min: 0, max: 400 }), (...parts) => {
      const [day, cron] = [parts[5], parts.slice(0, 5).join(' ')];
      const written = writeCron(readCron(cron));
      let at = new Date(Date.UTC(2026, 0, 1 + day));
      for (let count = 0; count < 4; count += 1) {
        const due = nextDue({ cron, timezone: 'UTC' }, at);
        expect(nextDue({ cron: written, timezone: 'UTC' }, at), `${cron} as ${written}`).toEqual(due);
        if (due === undefined) return;
        at = due;
      }
    }),
    { numRuns: 150 },
  );
});
