import { expect, test } from 'vitest';
import type { ActiveRun, RunOutcome } from './run.ts';
import { SimulatedTime } from './testing/simulated-time.ts';
import { WalStreams, type WalEvent } from './wal-streams.ts';

const minute = 60_000;

/** @param lasts how long the receiver runs that is started the nth time; undefined: until it is ended */
function setUp(lasts: (start: number) => number | undefined) {
  const time = new SimulatedTime(new Date('2026-03-01T00:00:00Z'));
  const [starts, events]: [number[], WalEvent[]] = [[], []];
  const streams = new WalStreams({
    clock: time.clock,
    timers: time.timers,
    tell: (event) => events.push(event),
    start: (): ActiveRun => {
      let end: (outcome: RunOutcome) => void = () => {};
      const ended = new Promise<RunOutcome>((resolve) => (end = resolve));
      const after = lasts(starts.length);
      starts.push(time.passed / 1000);
      if (after !== undefined) time.timers.set(after, () => end({ status: 1, problems: [] }));
      return { pid: 1, ended, progress: () => undefined, stop: () => end({ status: 130, problems: [] }) };
    },
  });
  return { time, streams, starts, events };
}

test('a receiver that ends is started again with growing pauses, and told from the third time', async () => {
  const { time, streams, starts, events } = setUp(() => 0);
  streams.set(['database']);
  await time.pass(30 * minute);
  expect(starts.slice(0, 10)).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 255, 511]);
  expect((starts[11] ?? 0) - (starts[10] ?? 0)).toBe(300);
  expect(events).toMatchObject([{ type: 'failing', component: 'database', failures: 3 }]);
});

test('one that has run for a minute is well, and its next end is the first', async () => {
  const { time, streams, starts, events } = setUp((start) => (start < 3 ? 0 : start === 3 ? 5 * minute : undefined));
  streams.set(['database']);
  await time.pass(10 * minute);
  expect(events.map(({ type }) => type)).toEqual(['failing', 'well']);
  expect(starts).toEqual([0, 1, 3, 7, 308]);
  expect(streams.list()).toMatchObject([{ component: 'database', running: true, failures: 0 }]);
});

test('those that are not wanted any more are ended, and stop waits for them', async () => {
  const { time, streams, starts } = setUp(() => undefined);
  streams.set(['database', 'other']);
  streams.set(['other']);
  await time.pass(minute);
  expect(streams.list().map(({ component }) => component)).toEqual(['other']);
  await streams.stop();
  await time.pass(10 * minute);
  expect(starts).toHaveLength(2);
  expect([time.pending, streams.list()]).toEqual([0, []]);
});
