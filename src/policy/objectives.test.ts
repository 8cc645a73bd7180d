import { describe, expect, test } from 'vitest';
import { estimateRecovery, judgeObjectives, worstVerdict, type Measurement, type ObjectiveFacts } from './objectives.ts';

const hour = 3_600_000;
const day = 24 * hour;
const now = new Date('2026-11-20T12:00:00Z');
const ago = (milliseconds: number): Date => new Date(now.getTime() - milliseconds);

function judge(more: Partial<ObjectiveFacts>) {
  const [report] = judgeObjectives([{ name: 'database', objective: { rpoMs: day, rtoMs: hour }, measurements: [], ...more }], now);
  if (report === undefined) throw new Error('one report for each');
  return report;
}

const drill = (daysAgo: number, minutes: number, bytes?: number): Measurement => ({
  at: ago(daysAgo * day),
  durationMs: minutes * 60_000,
  kind: 'drill',
  ...(bytes === undefined ? {} : { bytes }),
});

describe('RPO', () => {
  test('is the age of the newest moment that can be restored', () => {
    expect(judge({ restorable: ago(3 * hour) }).rpo).toEqual({
      verdict: 'met',
      targetMs: day,
      measuredMs: 3 * hour,
      marginMs: 22 * hour,
      sentence: 'the newest moment that can be restored is 3 h ago; 1 day may be lost',
    });
    expect(judge({ restorable: ago(day + hour) }).rpo?.verdict).toBe('met');
    expect(judge({ restorable: ago(day + hour + 1) }).rpo).toMatchObject({ verdict: 'missed', marginMs: -1 });
  });

  test('is missed where nothing can be restored, and unknown where a clock is wrong', () => {
    expect(judge({}).rpo).toMatchObject({ verdict: 'missed', sentence: 'nothing can be restored; 1 day may be lost' });
    expect(judge({ restorable: ago(-hour) }).rpo?.verdict).toBe('unknown');
    expect(judge({ restorable: ago(-60_000) }).rpo).toMatchObject({ verdict: 'met', measuredMs: 0 });
  });
});

describe('RTO', () => {
  test('is unknown until it was measured, and when that was long ago', () => {
    expect(judge({}).rto).toMatchObject({ verdict: 'unknown', sentence: 'it was never measured: run a drill; 1 h are allowed' });
    expect(judge({ measurements: [drill(500, 5)] }).rto?.sentence).toContain('more than a year ago');
  });

  test('is the median, or the newest where that is longer', () => {
    const calm = [drill(1, 20), drill(31, 22), drill(61, 90)];
    expect(judge({ measurements: calm })).toMatchObject({
      rto: {
        verdict: 'met',
        measuredMs: 22 * 60_000,
        sentence: 'it would take 22 min by 3 measurements, 1 h 30 min at worst; 1 h are allowed',
      },
      verdict: 'missed',
    });
    expect(judge({ measurements: [drill(1, 90), drill(31, 20), drill(61, 20)] }).rto?.verdict).toBe('missed');
    expect(judge({ measurements: [drill(1, 20), drill(31, 90), drill(61, 90)] }).rto?.verdict).toBe('missed');
  });

  test('grows with the data and does not shrink with it', () => {
    const measurements = [drill(1, 20, 100), drill(31, 20, 50)];
    expect(estimateRecovery(measurements, 100, now)).toMatchObject({
      medianMs: 30 * 60_000,
      newestMs: 20 * 60_000,
      worstMs: 40 * 60_000,
      scaled: true,
    });
    expect(estimateRecovery(measurements, 10, now)).toMatchObject({ worstMs: 20 * 60_000, scaled: true });
    expect(estimateRecovery([...measurements, drill(61, 20)], 100, now)).toMatchObject({ worstMs: 20 * 60_000, scaled: false });
    expect(judge({ measurements: [drill(1, 20, 100)], bytes: 400 }).rto).toMatchObject({ verdict: 'missed', measuredMs: 80 * 60_000 });
  });

  test('looks at the ten newest', () => {
    const measurements = [...Array.from({ length: 10 }, (_, index) => drill(index + 1, 10)), drill(100, 600)];
    expect(estimateRecovery(measurements, undefined, now)).toMatchObject({ worstMs: 10 * 60_000, count: 10 });
  });
});

test('nothing promised is kept; the worst verdict is the verdict', () => {
  expect(judge({ objective: {} })).toEqual({ name: 'database', verdict: 'met' });
  expect(judge({ restorable: ago(hour) }).verdict).toBe('unknown');
  expect(worstVerdict(['met', 'unknown', 'missed'])).toBe('missed');
});
