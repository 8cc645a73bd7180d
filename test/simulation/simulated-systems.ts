/** The systems whose rules are run for ten years, and how they make points. */
import type { RetentionPolicy } from '../../src/policy/retention.ts';

export interface SimulatedSystem {
  readonly name: string;
  readonly policy: RetentionPolicy;
  /** Rules of components that go for themselves; then points have manifests. */
  readonly own?: Readonly<Record<string, RetentionPolicy>>;
  /** What is saved on a day, counted from the beginning: one list a point. */
  pointsOn(day: number): readonly (readonly string[])[];
  /** Base backups: a full one every so many days, and increments between. */
  readonly fullEvery?: number;
}

export const simulatedSystems: readonly SimulatedSystem[] = [
  { name: 'invoices', policy: { daily: 30, monthly: 12 }, pointsOn: () => [['database', 'config']] },
  { name: 'receivables, off-site', policy: { daily: 30, weekly: 12, monthly: 12 }, pointsOn: () => [['database', 'files']] },
  { name: 'receivables, local', policy: { daily: 7 }, pointsOn: () => [['database', 'files']] },
  { name: 'timesheets', policy: { within: '30d' }, pointsOn: () => [['database', 'attachments']] },
  {
    name: 'user volumes',
    policy: { daily: 30, weekly: 12, monthly: 12, yearly: 7 },
    pointsOn: (day) => [['database'], ...(day % 7 === 6 ? [['database', 'volumes']] : [])],
  },
  {
    name: 'care centre, increments',
    policy: { daily: 7, weekly: 4, monthly: 12, yearly: 5 },
    pointsOn: () => [['base', 'files']],
    fullEvery: 7,
  },
  {
    name: 'logs for a week',
    policy: { daily: 30, monthly: 12 },
    own: { logs: { daily: 7 } },
    pointsOn: () => [['database', 'logs']],
  },
];
