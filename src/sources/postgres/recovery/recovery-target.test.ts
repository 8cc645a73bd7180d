import { expect, test } from 'vitest';
import { settingsOfTarget } from './recovery-target.ts';

const time = new Date('2026-11-20T14:30:00.501Z');

test('a moment is told with its zone, to the microsecond', () => {
  expect(settingsOfTarget({ kind: 'time', time })['recovery_target_time']).toBe('2026-11-20 14:30:00.501000+00');
  expect(settingsOfTarget({ kind: 'time', time, microseconds: 7 })['recovery_target_time']).toBe('2026-11-20 14:30:00.501007+00');
});

test('the target itself is set last, and all others to nothing', () => {
  const settings = Object.entries(settingsOfTarget({ kind: 'lsn', lsn: '0/3000028' }));
  expect(settings.at(-1)).toEqual(['recovery_target_lsn', '0/3000028']);
  expect(settings.slice(0, -1).map(([, value]) => value)).toEqual(['', '', '', '']);
  expect(Object.values(settingsOfTarget({ kind: 'latest' })).every((value) => value === '')).toBe(true);
});
