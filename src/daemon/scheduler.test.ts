import { expect, test } from 'vitest';
import type { PlannedJob } from '../operations/jobs/plan-jobs.ts';
import type { Schedule } from '../policy/schedule.ts';
import type { Run, RunOutcome } from './run.ts';
import { Scheduler, type SchedulerEvent } from './scheduler.ts';
import { type PlayedRun, playRuns } from './testing/fake-runner.ts';
import { memoryLedger } from './testing/memory-ledger.ts';
import { SimulatedTime } from './testing/simulated-time.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
const well: RunOutcome = { status: 0, problems: [] };

function backup(name: string, schedule: Schedule): PlannedJob {
  return { id: `backup:${name}`, kind: 'backup', schedule, words: ['backup', name], components: [name] };
}

function setUp(jobs: readonly PlannedJob[], play: (run: Run) => PlayedRun = () => ({ outcome: well, takesMs: minute })) {
  const time = new SimulatedTime(new Date('2026-03-01T00:00:00Z'));
  const started: { words: string; at: string; attempt: number }[] = [];
  const events: SchedulerEvent[] = [];
  const ledger = memoryLedger(time.clock);
  const note = (run: Run): void =>
    void started.push({ words: run.words.join(' '), at: time.clock.now().toISOString().slice(5, 16), attempt: run.attempt });
  const make = (): Scheduler => {
    const scheduler = new Scheduler({
      clock: time.clock,
      timers: time.timers,
      ledger,
      startRun: playRuns(time, play, note),
      tell: (event) => events.push(event),
      sliceOf: () => 4,
    });
    scheduler.setJobs(jobs);
    scheduler.tick();
    return scheduler;
  };
  const missed = () =>
    events.flatMap((event) => (event.type === 'missed' ? [`${event.job.id} ${event.due.toISOString().slice(5, 16)}`] : []));
  return { time, started, events, missed, make, scheduler: make() };
}

test('a daily backup runs once a day, at its time', async () => {
  const { time, started, missed } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC' })]);
  await time.pass(3 * day);
  expect(started.map(({ at }) => at)).toEqual(['03-01T02:00', '03-02T02:00', '03-03T02:00']);
  expect(missed()).toEqual([]);
});

test('backups that are due at a time are one run, what looks for changes is another, and one runs at a time', async () => {
  const { time, started } = setUp([
    backup('database', { cron: '0 2 * * *', timezone: 'UTC' }),
    backup('uploads', { cron: '0 2 * * 0', timezone: 'UTC' }),
    { ...backup('config', { onChange: true, everyMs: 30 * minute }), words: ['backup', 'config', '--skip-if-unchanged'] },
  ]);
  await time.pass(2 * hour + 5 * minute);
  expect(started.filter(({ at }) => at >= '03-01T02')).toEqual([
    { words: 'backup database uploads', at: '03-01T02:00', attempt: 1 },
    { words: 'backup config --skip-if-unchanged', at: '03-01T02:01', attempt: 1 },
  ]);
});

test('a job of slices is told its share', async () => {
  const check: PlannedJob = {
    id: 'check:local',
    kind: 'check',
    schedule: { cron: '0 5 * * *', timezone: 'UTC' },
    words: ['check', '--read-data-subset', '{slice}'],
    components: [],
    slices: 30,
  };
  const { time, started } = setUp([check]);
  await time.pass(day);
  expect(started.map(({ words }) => words)).toEqual(['check --read-data-subset 5/30']);
});

test('what fails is tried again, once; what was locked, three times; a wrong password never', async () => {
  for (const [status, attempts] of [
    [1, 2],
    [11, 4],
    [12, 1],
    [3, 1],
  ] as const) {
    const job = backup('database', { cron: '0 2 * * *', timezone: 'UTC' });
    const { time, started, events } = setUp([job], () => ({ outcome: { status, problems: [] }, takesMs: minute }));
    await time.pass(20 * hour);
    expect([status, started.length]).toEqual([status, attempts]);
    expect(events.filter(({ type }) => type === 'ended')).toHaveLength(attempts);
  }
});

test('after an outage the newest due time is served once, and what was missed is told', async () => {
  const { time, started, missed } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC' })]);
  await time.pass(3 * hour);
  time.skip(4 * day);
  await time.pass(hour);
  expect(started.map(({ at }) => at)).toEqual(['03-01T02:00', '03-05T03:00']);
  expect(missed()).toEqual(['backup:database 03-02T02:00']);
});

test('a schedule without catching up leaves out what was missed, and tells it', async () => {
  const { time, started, missed } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC', catchUp: false })]);
  time.skip(5 * hour);
  await time.pass(hour);
  expect(started).toEqual([]);
  expect(missed()).toEqual(['backup:database 03-01T02:00']);
  await time.pass(day);
  expect(started.map(({ at }) => at)).toEqual(['03-02T02:00']);
  expect(missed()).toHaveLength(1);
});

test('what has to wait for too long behind another run is told, and runs then', async () => {
  const { time, started, missed } = setUp(
    [
      { ...backup('database', { cron: '0 2 * * *', timezone: 'UTC' }), kind: 'archive', words: ['archive', 'yearly'] },
      backup('uploads', { cron: '5 2 * * *', timezone: 'UTC' }),
    ],
    ({ kind }) => ({ outcome: well, takesMs: kind === 'archive' ? hour : minute }),
  );
  await time.pass(4 * hour);
  expect(started.map(({ words, at }) => `${at} ${words}`)).toEqual(['03-01T02:00 archive yearly', '03-01T03:00 backup uploads']);
  expect(missed()).toEqual(['backup:uploads 03-01T02:05']);
});

test('what comes due of a job whose run hangs is told as it becomes late', async () => {
  const { time, started, missed, scheduler } = setUp([backup('database', { cron: '0 2,3,4 * * *', timezone: 'UTC' })], () => ({
    outcome: well,
    takesMs: 30 * day,
  }));
  await time.pass(3 * hour + 10 * minute);
  expect(missed()).toEqual([]);
  await time.pass(2 * hour);
  expect(missed()).toEqual(['backup:database 03-01T03:00', 'backup:database 03-01T04:00']);
  expect(scheduler.cancel(scheduler.active?.run.id ?? '')).toBe(true);
  await time.pass(minute);
  expect(started.map(({ at }) => at)).toEqual(['03-01T02:00', '03-01T05:10']);
  expect(missed()).toHaveLength(2);
});

test('a run that had to wait serves what came due meanwhile', async () => {
  const { time, started } = setUp(
    [
      { ...backup('database', { cron: '0 2 * * *', timezone: 'UTC' }), kind: 'archive', words: ['archive', 'yearly'] },
      backup('uploads', { cron: '5,35 2 * * *', timezone: 'UTC' }),
    ],
    ({ kind }) => ({ outcome: well, takesMs: kind === 'archive' ? hour : minute }),
  );
  await time.pass(10 * hour);
  expect(started.map(({ words, at }) => `${at} ${words}`)).toEqual(['03-01T02:00 archive yearly', '03-01T03:00 backup uploads']);
});

test('a clock that is set back or forward makes nothing run twice', async () => {
  const { time, started } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC' })]);
  await time.pass(2 * hour + 10 * minute);
  time.setClock(-hour);
  await time.pass(2 * hour);
  expect(started).toHaveLength(1);
  time.setClock(22 * hour);
  await time.pass(2 * hour);
  expect(started.map(({ at }) => at)).toEqual(['03-01T02:00', '03-02T02:00']);
});

test('jobs that are gone run no more, and those that come do not catch up what was before them', async () => {
  const { time, started, scheduler } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC' })]);
  await time.pass(3 * hour);
  scheduler.setJobs([backup('uploads', { cron: '0 1 * * *', timezone: 'UTC' })]);
  await time.pass(day);
  expect(started.map(({ words, at }) => `${at} ${words}`)).toEqual(['03-01T02:00 backup database', '03-02T01:00 backup uploads']);
});

test('somebody may ask for a run, end it, and it is not tried again', async () => {
  const { time, started, scheduler, events } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC' })], () => ({
    outcome: well,
    takesMs: hour,
  }));
  expect(scheduler.request('backup:nothing')).toBeUndefined();
  const run = scheduler.request('backup:database', { askedBy: 'ops' });
  expect(scheduler.request('backup:database', { askedBy: 'ops' })).toBe(run);
  expect(started).toEqual([{ words: 'backup database', at: '03-01T00:00', attempt: 1 }]);
  expect(scheduler.cancel('nothing')).toBe(false);
  expect(scheduler.cancel(run ?? '')).toBe(true);
  await time.pass(90 * minute);
  expect(events.at(-1)).toMatchObject({ type: 'ended', run: { trigger: 'api', askedBy: 'ops' }, judgement: { verdict: 'interrupted' } });
  expect(started).toHaveLength(1);
});

test('at rest it wakes up twice a minute at most, and has one timer', async () => {
  const { time } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC' })]);
  const before = time.wakeUps;
  await time.pass(hour);
  expect(time.wakeUps - before).toBeLessThanOrEqual(120);
  expect(time.pending).toBe(1);
});

test('it stops when what runs has ended, and starts nothing more', async () => {
  const { time, started, scheduler } = setUp([backup('database', { cron: '0 2 * * *', timezone: 'UTC' })], () => ({
    outcome: well,
    takesMs: 5 * hour,
  }));
  await time.pass(2 * hour + minute);
  await scheduler.stop();
  await time.pass(3 * day);
  expect(started).toHaveLength(1);
  expect(time.pending).toBe(0);
});
