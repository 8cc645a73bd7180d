/** How an application stands, as facts for its metrics. */
import type { MetricFacts } from '../../observe/metrics/metric-facts.ts';
import { joinFacts } from '../../observe/metrics/join-facts.ts';
import { metricsOfMeasures, type MeasuredFacts } from './status-measures.ts';
import type { StatusRecord } from './status-record.ts';

type StatusMetrics = Required<Pick<MetricFacts, 'components' | 'repositories' | 'points' | 'wal' | 'drills' | 'objectives'>>;
type Objectives = NonNullable<MetricFacts['objectives']>;

const unmeasured: MeasuredFacts = { components: [], points: [], repositories: [], wal: [] };

export function metricsOfStatus({ components, whole = {}, repositories, drills, measures }: StatusRecord): StatusMetrics {
  const measured = measures === undefined ? unmeasured : metricsOfMeasures(measures);
  const seen: Pick<StatusMetrics, 'components' | 'repositories'> = {
    components: components.map(({ name, newest }) => ({
      component: name,
      ...(newest === undefined ? {} : { lastSuccess: new Date(newest.time) }),
      ...(newest === undefined || newest.size === null ? {} : { bytes: newest.size }),
    })),
    repositories: repositories.map(({ name, reachable, free, capacity, full }) => ({
      repository: name,
      reachable,
      ...(free === undefined ? {} : { freeBytes: free }),
      ...(capacity === undefined ? {} : { capacityBytes: capacity }),
      ...(full === undefined ? {} : { fullAt: new Date(full) }),
    })),
  };
  return {
    components: joinFacts(measured.components, seen.components, ({ component }) => component),
    repositories: joinFacts(measured.repositories, seen.repositories, ({ repository }) => repository),
    points: measured.points,
    wal: measured.wal,
    drills: drills.map(({ name, last, proven }) => ({
      drill: name,
      ...(last === undefined ? {} : { last: new Date(last.time), passed: last.verdict === 'proven', durationSeconds: last.seconds }),
      ...(proven === undefined ? {} : { lastSuccess: new Date(proven) }),
    })),
    objectives: [...components.flatMap((each) => objectivesOf(each, each.name)), ...objectivesOf(whole)],
  };
}

/** What nothing was measured of is not met. */
function objectivesOf(judged: Pick<StatusRecord['components'][number], 'rpo' | 'rto'>, component?: string): Objectives {
  return (['rpo', 'rto'] as const).flatMap((objective) => {
    const judgement = judged[objective];
    if (judgement === undefined) return [];
    const { verdict, target_seconds: targetSeconds, measured_seconds: actualSeconds } = judgement;
    return [
      {
        objective,
        targetSeconds,
        met: verdict === 'met',
        ...(component === undefined ? {} : { component }),
        ...(actualSeconds === undefined ? {} : { actualSeconds }),
      },
    ];
  });
}
