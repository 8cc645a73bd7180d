/** How an application stands, as data: what `holdfast status --json` prints, and what the daemon reads of it. */
import { z } from 'zod';
import type { Judgement } from '../../policy/objectives.ts';
import { measuresSchema } from './status-measures.ts';
import type { ComponentStatus, DrillStatus, RepositoryStatus, StatusReport } from './status-report.ts';

const text = z.string().max(10_000);
const moment = z.iso.datetime();
const judgement = z.object({
  verdict: z.enum(['met', 'missed', 'unknown']),
  target_seconds: z.number(),
  measured_seconds: z.number().optional(),
  message: text,
});
const objectives = {
  rpo: judgement.optional(),
  rto: judgement.optional(),
  recovery: z
    .object({
      median_seconds: z.number(),
      newest_seconds: z.number(),
      worst_seconds: z.number(),
      measurements: z.number(),
      newest: moment,
    })
    .optional(),
};
const component = z.object({
  name: text,
  newest: z.object({ time: moment, point: text, size: z.number().nullable() }).optional(),
  /** The newest moment that could be restored. */
  restorable: moment.optional(),
  proven: z.object({ time: moment, point: text }).optional(),
  ...objectives,
  shrunk: z.boolean(),
  anomalies: z.array(
    z.object({
      /** For `holdfast status --accept`. */
      id: text,
      metric: text,
      /** With the metric `rows`: the table, where it is about one. */
      table: text.optional(),
      change: z.enum(['shrunk', 'grew']),
      value: z.number(),
      expected: z.number(),
      severity: z.enum(['info', 'warning', 'critical']),
      /** The first backup that had it. */
      since: moment,
      message: text,
    }),
  ),
});
const repository = z.object({
  name: text,
  reachable: z.boolean(),
  location: text.optional(),
  points: z.number().optional(),
  newest: moment.optional(),
  error: text.optional(),
  message: text.optional(),
  hint: text.optional(),
  free: z.number().optional(),
  capacity: z.number().optional(),
  growth_per_day: z.number().optional(),
  full: moment.optional(),
  drill_problems: z.array(text),
});
const drill = z.object({
  name: text,
  last: z.object({ report: text, time: moment, verdict: z.enum(['proven', 'disproved', 'failed']), seconds: z.number() }).optional(),
  proven: moment.optional(),
});

const change = z.object({
  id: text,
  kind: z.enum(['repository-replaced', 'points-gone', 'log-lost', 'component-dropped', 'file-emptied']),
  component: text.optional(),
  repository: text.optional(),
  severity: z.enum(['warning', 'critical']),
  since: moment,
  message: text,
});

export const statusRecordSchema = z.object({
  message_type: z.literal('application_status'),
  application: text,
  time: moment,
  verdict: z.enum(['met', 'missed', 'unknown']),
  components: z.array(component),
  whole: z.object(objectives).optional(),
  repositories: z.array(repository),
  drills: z.array(drill),
  /** What is not as this host knew it, where anything is. */
  changes: z.array(change).optional(),
  /** With --measures. */
  measures: measuresSchema.optional(),
});

export type StatusRecord = z.infer<typeof statusRecordSchema>;
type ComponentRecord = StatusRecord['components'][number];
type ObjectivesRecord = NonNullable<StatusRecord['whole']>;
type JudgementRecord = z.infer<typeof judgement>;

export function recordOfStatus({
  application,
  at,
  verdict,
  components,
  whole,
  repositories,
  drills,
  changes = [],
}: StatusReport): StatusRecord {
  return {
    message_type: 'application_status',
    application,
    time: at.toISOString(),
    verdict,
    components: components.map(recordOfComponent),
    ...(whole === undefined ? {} : { whole: recordOfObjectives(whole) }),
    repositories: repositories.map(recordOfRepository),
    drills: drills.map(recordOfDrill),
    ...(changes.length === 0 ? {} : { changes: changes.map(({ sentence, ...change }) => ({ ...change, message: sentence })) }),
  };
}

/** Of a component: a database that was emptied may have thousands of tables. */
const mostAnomalies = 100;

function recordOfComponent(component: ComponentStatus): ComponentRecord {
  const { name, newest, restorable, newestProven, anomalies, shrunk } = component;
  return {
    name,
    ...(newest === undefined ? {} : { newest: { time: newest.at.toISOString(), point: newest.point, size: newest.bytes ?? null } }),
    ...(restorable === undefined ? {} : { restorable: restorable.toISOString() }),
    ...(newestProven === undefined ? {} : { proven: { time: newestProven.at.toISOString(), point: newestProven.point } }),
    ...recordOfObjectives(component),
    shrunk,
    anomalies: anomalies.slice(0, mostAnomalies).map(({ id, metric, table, change, value, expected, severity, since, sentence }) => ({
      id,
      metric,
      ...(table === undefined ? {} : { table }),
      change,
      value,
      expected,
      severity,
      since: since.toISOString(),
      message: sentence,
    })),
  };
}

function recordOfObjectives({ rpo, rto, estimate }: Pick<ComponentStatus, 'rpo' | 'rto' | 'estimate'>): ObjectivesRecord {
  return {
    ...(rpo === undefined ? {} : { rpo: recordOfJudgement(rpo) }),
    ...(rto === undefined ? {} : { rto: recordOfJudgement(rto) }),
    ...(estimate === undefined
      ? {}
      : {
          recovery: {
            median_seconds: estimate.medianMs / 1000,
            newest_seconds: estimate.newestMs / 1000,
            worst_seconds: estimate.worstMs / 1000,
            measurements: estimate.count,
            newest: estimate.newest.toISOString(),
          },
        }),
  };
}

function recordOfJudgement({ verdict, targetMs, measuredMs, sentence }: Judgement): JudgementRecord {
  return {
    verdict,
    target_seconds: targetMs / 1000,
    ...(measuredMs === undefined ? {} : { measured_seconds: measuredMs / 1000 }),
    message: sentence,
  };
}

function recordOfRepository({
  name,
  location,
  points,
  newest,
  unreachable,
  space,
  forecast,
  drillProblems,
}: RepositoryStatus): StatusRecord['repositories'][number] {
  return {
    name,
    reachable: unreachable === undefined,
    ...(location === undefined ? {} : { location }),
    ...(points === undefined ? {} : { points }),
    ...(newest === undefined ? {} : { newest: newest.toISOString() }),
    ...(unreachable === undefined ? {} : { error: unreachable.code, message: unreachable.reason, hint: unreachable.hint }),
    ...(space === undefined ? {} : { free: space.free, capacity: space.capacity }),
    ...(forecast === undefined ? {} : { growth_per_day: Math.round(forecast.growthPerDay) }),
    ...(forecast?.full === undefined ? {} : { full: forecast.full.toISOString() }),
    drill_problems: [...drillProblems],
  };
}

function recordOfDrill({ name, last, lastProven }: DrillStatus): StatusRecord['drills'][number] {
  return {
    name,
    ...(last === undefined ? {} : { last: { report: last.id, time: last.at.toISOString(), verdict: last.verdict, seconds: last.seconds } }),
    ...(lastProven === undefined ? {} : { proven: lastProven.toISOString() }),
  };
}
