/** What the daemon knows by itself, and what was seen when the repositories were last looked at, as facts for one answer. */
import { joinFacts } from '../observe/metrics/join-facts.ts';
import type { MetricFacts } from '../observe/metrics/metric-facts.ts';
import { metricsOfStatus } from '../operations/status/status-metrics.ts';
import type { StatusRecord } from '../operations/status/status-record.ts';

/** Where both say something, what the daemon saw itself is newer. */
export function joinMetrics(own: MetricFacts, status: StatusRecord | undefined): MetricFacts {
  if (status === undefined) return own;
  const { components, repositories, points, wal, drills, objectives } = metricsOfStatus(status);
  return {
    ...own,
    components: joinFacts(components, own.components, ({ component }) => component),
    repositories: joinFacts(repositories, own.repositories, ({ repository }) => repository),
    drills: joinFacts(drills, own.drills, ({ drill }) => drill),
    points,
    wal: joinFacts(wal, own.wal, ({ component }) => component),
    objectives,
  };
}
