/**
 * Every metric there is. Names and labels are an interface: new ones may come, none goes away or changes its meaning. The table of
 * docs/metrics.md is this list; a test compares them.
 */
import type {
  ComponentFacts,
  DrillFacts,
  JobFacts,
  MetricFacts,
  ObjectiveFacts,
  PointFacts,
  RepositoryFacts,
  RouteFacts,
  WalFacts,
} from './metric-facts.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** A moment is written in seconds since 1970, true and false as 1 and 0; what is undefined is left out. */
  readonly value: number | Date | boolean | undefined;
}

export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  /** Beside `application`. */
  readonly labels: readonly string[];
  readonly read: (facts: MetricFacts) => readonly Sample[];
}

type Value = Sample['value'];
type Reader<Item> = (item: Item, facts: MetricFacts) => Value;

function single(name: string, help: string, read: (facts: MetricFacts) => Value): MetricDescription {
  return { name, help, labels: [], read: (facts) => [{ labels: {}, value: read(facts) }] };
}

/** A metric of each of many. */
function family<Item>(
  labels: readonly string[],
  itemsOf: (facts: MetricFacts) => readonly Item[] | undefined,
  labelsOf: (item: Item) => Readonly<Record<string, string>>,
) {
  return (name: string, help: string, read: Reader<Item>): MetricDescription => ({
    name,
    help,
    labels,
    read: (facts) => (itemsOf(facts) ?? []).map((item) => ({ labels: labelsOf(item), value: read(item, facts) })),
  });
}

const backup = family<ComponentFacts>(
  ['component'],
  ({ components }) => components,
  ({ component }) => ({ component }),
);
const repository = family<RepositoryFacts>(
  ['repository'],
  ({ repositories }) => repositories,
  (item) => ({ repository: item.repository }),
);
const points = family<PointFacts>(
  ['component', 'repository'],
  (facts) => facts.points,
  (item) => ({ component: item.component, repository: item.repository }),
);
const wal = family<WalFacts>(
  ['component'],
  (facts) => facts.wal,
  ({ component }) => ({ component }),
);
const drill = family<DrillFacts>(
  ['drill'],
  ({ drills }) => drills,
  (item) => ({ drill: item.drill }),
);
const objective = family<ObjectiveFacts>(
  ['component', 'objective'],
  ({ objectives }) => objectives,
  (item) => ({ component: item.component ?? '', objective: item.objective }),
);
/* Not `job`: Prometheus gives that name to what it scrapes. */
const job = family<JobFacts>(
  ['task', 'kind'],
  ({ jobs }) => jobs,
  (item) => ({ task: item.job, kind: item.kind }),
);
const route = family<RouteFacts>(
  ['route'],
  ({ routes }) => routes,
  (item) => ({ route: item.route }),
);

function secondsSince(moment: Date | undefined, { at }: MetricFacts): number | undefined {
  return moment === undefined ? undefined : (at.getTime() - moment.getTime()) / 1000;
}

export const metricList: readonly MetricDescription[] = [
  {
    name: 'holdfast_build_info',
    help: 'Always 1; its label says which version runs',
    labels: ['version'],
    read: ({ version }) => [{ labels: { version }, value: 1 }],
  },
  single('holdfast_facts_timestamp_seconds', 'When these values were gathered', ({ at }) => at),
  single('holdfast_up', 'Whether a daemon runs', ({ daemon }) => daemon !== undefined),
  single('holdfast_start_timestamp_seconds', 'When the daemon was started', ({ daemon }) => daemon?.started),
  single('holdfast_runs_running', 'Runs under way', ({ daemon }) => daemon?.running),
  single('holdfast_runs_waiting', 'Runs that are due and wait for others', ({ daemon }) => daemon?.waiting),

  backup('holdfast_backup_last_success_timestamp_seconds', 'When the component was last backed up well', ({ lastSuccess }) => lastSuccess),
  backup('holdfast_backup_last_failure_timestamp_seconds', 'When a backup of the component last failed', ({ lastFailure }) => lastFailure),
  backup('holdfast_backup_age_seconds', 'Time since it was last backed up well, when the values were gathered', ({ lastSuccess }, facts) =>
    secondsSince(lastSuccess, facts),
  ),
  backup('holdfast_backup_last_ok', 'Whether the last backup was well', ({ ok }) => ok),
  backup('holdfast_backup_failures_in_a_row', 'Backups that failed since one was well', ({ failuresInARow }) => failuresInARow),
  backup('holdfast_backup_last_duration_seconds', 'How long the last backup took', ({ durationSeconds }) => durationSeconds),
  backup('holdfast_backup_last_bytes', 'Size of what was backed up last', ({ bytes }) => bytes),
  backup('holdfast_backup_last_added_bytes', 'What of it was new to the repository, as it is stored', ({ addedBytes }) => addedBytes),
  backup('holdfast_backup_last_files', 'Files in the last backup', ({ files }) => files),
  backup('holdfast_backup_last_rows', 'Rows of all tables in the last backup', ({ rows }) => rows),

  points('holdfast_points', 'Points of the component in the repository', (item) => item.points),
  points('holdfast_points_proven', 'Those of them that a drill has proved', ({ proven }) => proven),
  points('holdfast_newest_point_timestamp_seconds', 'The time of the newest one', ({ newest }) => newest),
  points(
    'holdfast_newest_proven_point_timestamp_seconds',
    'The time of the newest one that a drill has proved',
    ({ newestProven }) => newestProven,
  ),

  repository('holdfast_repository_reachable', 'Whether it could be reached', ({ reachable }) => reachable),
  repository('holdfast_repository_size_bytes', 'Its size, as it is stored', ({ sizeBytes }) => sizeBytes),
  repository('holdfast_repository_dedup_ratio', 'What its points hold, divided by what it takes', ({ dedupRatio }) => dedupRatio),
  repository('holdfast_repository_free_bytes', 'Free space where it lies', ({ freeBytes }) => freeBytes),
  repository('holdfast_repository_capacity_bytes', 'All the space there', ({ capacityBytes }) => capacityBytes),
  repository('holdfast_repository_full_timestamp_seconds', 'When it will be full if it grows on as it did', ({ fullAt }) => fullAt),
  repository('holdfast_repository_last_check_timestamp_seconds', 'When it was last checked', ({ lastCheck }) => lastCheck),
  repository('holdfast_repository_check_problems', 'What the last check found', ({ checkProblems }) => checkProblems),
  repository('holdfast_repository_last_prune_timestamp_seconds', 'When retention was last applied', ({ lastPrune }) => lastPrune),
  repository(
    'holdfast_repository_oldest_lock_timestamp_seconds',
    'Since when its oldest lock was not renewed',
    ({ oldestLock }) => oldestLock,
  ),

  wal('holdfast_wal_receiver_up', 'Whether the write-ahead log is received', ({ receiverUp }) => receiverUp),
  wal('holdfast_wal_lag_seconds', 'How long ago the server wrote what is not stored yet', ({ lagSeconds }) => lagSeconds),
  wal('holdfast_wal_lag_bytes', 'How much the server wrote that is not stored yet', ({ lagBytes }) => lagBytes),
  wal('holdfast_wal_last_stored_timestamp_seconds', 'When something was last stored', ({ lastStored }) => lastStored),
  wal('holdfast_wal_slot_active', 'Whether somebody reads from the replication slot', ({ slotActive }) => slotActive),
  wal('holdfast_wal_slot_retained_bytes', 'What the server keeps for the replication slot', ({ slotRetainedBytes }) => slotRetainedBytes),
  wal('holdfast_wal_gaps', 'Gaps in what is stored', ({ gaps }) => gaps),

  drill('holdfast_drill_last_timestamp_seconds', 'When it was last run', ({ last }) => last),
  drill('holdfast_drill_last_success_timestamp_seconds', 'When it was last passed', ({ lastSuccess }) => lastSuccess),
  drill('holdfast_drill_age_seconds', 'Time since it was last run, when the values were gathered', ({ last }, facts) =>
    secondsSince(last, facts),
  ),
  drill('holdfast_drill_passed', 'Whether the last one was passed', ({ passed }) => passed),
  drill('holdfast_drill_duration_seconds', 'How long the last one took', ({ durationSeconds }) => durationSeconds),

  objective(
    'holdfast_objective_target_seconds',
    'What is allowed: rpo, how old the newest data that comes back may be; rto, how long that may take',
    ({ targetSeconds }) => targetSeconds,
  ),
  objective('holdfast_objective_actual_seconds', 'What was measured', ({ actualSeconds }) => actualSeconds),
  objective('holdfast_objective_margin_seconds', 'What is left until it is missed; below 0 it is', ({ targetSeconds, actualSeconds }) =>
    actualSeconds === undefined ? undefined : targetSeconds - actualSeconds,
  ),
  objective('holdfast_objective_met', 'Whether it is met', ({ met }) => met),

  job(
    'holdfast_job_next_due_timestamp_seconds',
    'When it is due next; a daemon that hangs leaves this in the past',
    ({ nextDue }) => nextDue,
  ),
  job('holdfast_job_running', 'Whether it runs now', ({ running }) => running),

  {
    name: 'holdfast_alarms_open',
    help: 'Alarms that are open',
    labels: ['severity'],
    read: ({ alarms }) =>
      alarms === undefined ? [] : Object.entries(alarms).map(([severity, value]) => ({ labels: { severity }, value })),
  },
  route('holdfast_notify_route_up', 'Whether what was last sent to this route reached it', ({ up }) => up),
  route('holdfast_notify_waiting', 'What waits to be sent to it', ({ waiting }) => waiting),
];
