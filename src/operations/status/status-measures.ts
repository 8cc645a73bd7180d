/** What only metrics tell of how an application stands, as data: a part of what `holdfast status --json --measures` prints. */
import { z } from 'zod';
import type { ComponentFacts, MetricFacts } from '../../observe/metrics/metric-facts.ts';

const text = z.string().max(10_000);
const moment = z.iso.datetime();
const component = z.object({
  name: text,
  /** Of the newest capture. */
  files: z.number().optional(),
  rows: z.number().optional(),
  seconds: z.number().optional(),
  /** What it added, as it is stored. */
  added: z.number().optional(),
});
const points = z.object({
  component: text,
  repository: text,
  points: z.number(),
  proven: z.number(),
  newest: moment.optional(),
  newest_proven: moment.optional(),
});
const repository = z.object({
  name: text,
  size: z.number().optional(),
  dedup_ratio: z.number().optional(),
  oldest_lock: moment.optional(),
});
const log = z.object({
  component: text,
  lag_bytes: z.number().optional(),
  lag_seconds: z.number().optional(),
  newest: moment.optional(),
  slot_active: z.boolean().optional(),
  slot_retained_bytes: z.number().optional(),
  gaps: z.number().optional(),
});

export const measuresSchema = z.object({
  components: z.array(component),
  points: z.array(points),
  repositories: z.array(repository),
  logs: z.array(log),
});
export type StatusMeasures = z.infer<typeof measuresSchema>;
export type LogMeasures = StatusMeasures['logs'][number];
export type RepositoryMeasures = Omit<StatusMeasures['repositories'][number], 'name'>;

export type MeasuredFacts = Required<Pick<MetricFacts, 'components' | 'points' | 'repositories' | 'wal'>>;

export function metricsOfMeasures({ components, points: counted, repositories, logs }: StatusMeasures): MeasuredFacts {
  return {
    components: components.map(({ name, files, rows, seconds, added }): ComponentFacts => ({
      component: name,
      ...(files === undefined ? {} : { files }),
      ...(rows === undefined ? {} : { rows }),
      ...(seconds === undefined ? {} : { durationSeconds: seconds }),
      ...(added === undefined ? {} : { addedBytes: added }),
    })),
    points: counted.map(({ newest, newest_proven: newestProven, ...rest }) => ({
      ...rest,
      ...(newest === undefined ? {} : { newest: new Date(newest) }),
      ...(newestProven === undefined ? {} : { newestProven: new Date(newestProven) }),
    })),
    repositories: repositories.map(({ name, size, dedup_ratio: dedupRatio, oldest_lock: oldestLock }) => ({
      repository: name,
      ...(size === undefined ? {} : { sizeBytes: size }),
      ...(dedupRatio === undefined ? {} : { dedupRatio }),
      ...(oldestLock === undefined ? {} : { oldestLock: new Date(oldestLock) }),
    })),
    wal: logs.map(factsOfLog),
  };
}

function factsOfLog(measured: LogMeasures): MeasuredFacts['wal'][number] {
  const { lag_bytes: lagBytes, lag_seconds: lagSeconds, newest, gaps } = measured;
  const { slot_active: slotActive, slot_retained_bytes: slotRetainedBytes } = measured;
  return {
    component: measured.component,
    ...(lagBytes === undefined ? {} : { lagBytes }),
    ...(lagSeconds === undefined ? {} : { lagSeconds }),
    ...(newest === undefined ? {} : { lastStored: new Date(newest) }),
    ...(slotActive === undefined ? {} : { slotActive }),
    ...(slotRetainedBytes === undefined ? {} : { slotRetainedBytes }),
    ...(gaps === undefined ? {} : { gaps }),
  };
}
