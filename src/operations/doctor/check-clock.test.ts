import { expect, test } from 'vitest';
import { checkCertificate } from './check-certificate.ts';
import { checkClock, checkTimeZone, type KnownTime } from './check-clock.ts';

const now = new Date('2027-03-01T12:00:00Z');
const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
/** Asked a second before, and answered a second after. */
const told = (seconds: number): KnownTime => ({ of: 'the server', at: after(seconds), between: [after(-1), after(1)] });

test.each([
  [0, 'ok'],
  [29, 'ok'],
  [-29, 'ok'],
  [40, 'warning'],
  [-40, 'warning'],
  [302, 'failed'],
  [-303, 'failed'],
])('a clock that differs by %i s is %s', (seconds, status) => {
  expect(checkClock(now, [told(0), told(seconds)]).status).toBe(status);
});

test('how long an answer took is no difference', () => {
  expect(checkClock(now, [{ of: 'the slow server', at: after(-200), between: [after(-400), after(-10)] }]).status).toBe('ok');
});

test('what was written long ago says nothing, and what was written later than now does', () => {
  expect(checkClock(now, [{ of: 'the newest point', at: after(-1e7) }]).status).toBe('ok');
  expect(checkClock(now, [{ of: 'the newest point', at: after(1e7) }])).toMatchObject({ status: 'failed' });
});

test('a clock that was never set is wrong by itself', () => {
  expect(checkClock(new Date(0), [])).toMatchObject({ status: 'failed' });
});

test('a time zone that there is not is told with what is taken instead', () => {
  for (const zone of ['Europe/Berlin', ':Europe/Berlin', 'UTC', 'CET-1CEST,M3.5.0', '/usr/share/zoneinfo/UTC'])
    expect(checkTimeZone({ TZ: zone }, 'UTC')).toMatchObject({ status: 'ok' });
  expect(checkTimeZone({}, 'Asia/Tokyo')).toMatchObject({
    status: 'ok',
    what: 'schedules without a time zone of their own go by Asia/Tokyo',
  });
  expect(checkTimeZone({ TZ: 'Europe/Berlim' }, 'UTC')).toMatchObject({ status: 'warning' });
});

test.each([
  [-1, 'failed'],
  [3600, 'warning'],
  [13 * 86_400, 'warning'],
  [15 * 86_400, 'ok'],
])('a certificate for %i s more is %s', (seconds, status) => {
  expect(checkCertificate('notifier hook', after(seconds), now)).toMatchObject({ name: 'notifier hook: certificate', status });
});
