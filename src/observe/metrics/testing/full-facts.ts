import type { MetricFacts } from '../metric-facts.ts';

const day = (number: number): Date => new Date(Date.UTC(2026, 10, number, 2));

/** Facts in which nothing is missing. */
export const fullFacts: MetricFacts = {
  version: '1.2.3',
  application: 'shop',
  at: day(20),
  daemon: { started: day(1), running: 1, waiting: 2 },
  components: [
    {
      component: 'database',
      lastSuccess: day(19),
      lastFailure: day(7),
      ok: true,
      failuresInARow: 0,
      durationSeconds: 12.5,
      bytes: 3e9,
      addedBytes: 4e6,
      files: 7,
      rows: 123_456,
    },
    { component: 'uploads "new"\n', ok: false },
  ],
  repositories: [
    {
      repository: 'local',
      reachable: true,
      sizeBytes: 5e9,
      dedupRatio: 12.25,
      freeBytes: 5e10,
      capacityBytes: 1e11,
      fullAt: day(30),
      lastCheck: day(18),
      checkProblems: 0,
      lastPrune: day(17),
      oldestLock: day(20),
    },
  ],
  points: [{ component: 'database', repository: 'local', points: 30, proven: 2, newest: day(19), newestProven: day(1) }],
  wal: [
    {
      component: 'database',
      receiverUp: true,
      lagSeconds: 3,
      lagBytes: 4096,
      lastStored: day(20),
      slotRetainedBytes: 16_777_216,
      slotActive: true,
      gaps: 0,
    },
  ],
  drills: [{ drill: 'monthly', last: day(1), lastSuccess: day(1), passed: true, durationSeconds: 300 }],
  objectives: [
    { component: 'database', objective: 'rpo', targetSeconds: 86_400, actualSeconds: 90_000, met: false },
    { objective: 'rto', targetSeconds: 3600, actualSeconds: 300, met: true },
  ],
  jobs: [{ job: 'backup:database', kind: 'backup', nextDue: day(21), running: false }],
  alarms: { info: 0, warning: 1, critical: 0 },
  routes: [{ route: 'email', up: true, waiting: 0 }],
};
