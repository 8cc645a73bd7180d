/** The facts that the daemon knows by itself: of runs, jobs, receivers, alarms. Nothing is opened for it. */
import type { RunRecord } from '../catalog/run-record.ts';
import type { ComponentFacts, DrillFacts, MetricFacts, RepositoryFacts, WalFacts } from '../observe/metrics/metric-facts.ts';
import { readVersion } from '../util/program-version.ts';
import type { DaemonCore } from './daemon-core.ts';
import type { WalStreamState } from './wal-streams.ts';

/** How far back runs are looked at. */
const mostRuns = 1000;

/** Throws what the catalog throws. */
export function gatherMetrics({ configuration, catalog, scheduler, streams, notifier, started }: DaemonCore, now: Date): MetricFacts {
  const runs = catalog.runs({ configuration: configuration.file, limit: mostRuns }).filter(({ ended }) => ended !== undefined);
  const active = scheduler.active?.run.served.map(({ job }) => job.id) ?? [];
  const open = notifier.openAlarms();
  const bySeverity = (wanted: string): number => open.filter(({ alarm }) => alarm.severity === wanted).length;
  return {
    version: readVersion(),
    application: configuration.application,
    at: now,
    daemon: { started, running: active.length === 0 ? 0 : 1, waiting: scheduler.waiting.length },
    components: configuration.components.map(({ name, partOf = name }) => componentFacts(name, runsOf(runs, partOf))),
    repositories: configuration.repositories.map(({ name, url }) =>
      repositoryFacts(
        name,
        runs.filter(({ repository }) => repository === name || repository === url),
      ),
    ),
    wal: streams.list().map(walFacts),
    drills: (configuration.drills ?? []).map(({ name }) =>
      drillFacts(
        name,
        runs.filter(({ kind, job }) => kind === 'drill' && job === `drill:${name}`),
      ),
    ),
    jobs: scheduler.jobs.map((job) => {
      const nextDue = scheduler.nextDueOf(job);
      return { job: job.id, kind: job.kind, running: active.includes(job.id), ...(nextDue === undefined ? {} : { nextDue }) };
    }),
    alarms: { info: bySeverity('info'), warning: bySeverity('warning'), critical: bySeverity('critical') },
    routes: notifier.routes().map(({ name, failing, waiting }) => ({ route: name, up: failing === undefined, waiting })),
  };
}

/** What a receiver says of itself every few seconds. */
function walFacts({ component, running, progress = {} }: WalStreamState): WalFacts {
  const { lag_ms: lag, lag_bytes: lagBytes, newest } = progress;
  const lastStored = new Date(typeof newest === 'string' ? newest : '');
  return {
    component,
    receiverUp: running,
    ...(typeof lag === 'number' ? { lagSeconds: lag / 1000 } : {}),
    ...(typeof lagBytes === 'number' ? { lagBytes } : {}),
    ...(Number.isNaN(lastStored.getTime()) ? {} : { lastStored }),
  };
}

/** Backups with this component, and those that name none and so mean all. */
function runsOf(runs: readonly RunRecord[], component: string): readonly RunRecord[] {
  return runs.filter(({ kind, components }) => kind === 'backup' && (components.length === 0 || components.includes(component)));
}

function componentFacts(component: string, runs: readonly RunRecord[]): ComponentFacts {
  const [last] = runs;
  const failures = runs.findIndex(({ status }) => status === 'done');
  return {
    component,
    ...endsOf(runs),
    ...(last === undefined ? {} : { ok: last.status === 'done', failuresInARow: failures === -1 ? runs.length : failures }),
  };
}

function repositoryFacts(repository: string, runs: readonly RunRecord[]): RepositoryFacts {
  const of = (kind: string): Date | undefined => runs.find((run) => run.kind === kind && run.status === 'done')?.ended;
  const [lastCheck, lastPrune] = [of('check'), of('prune')];
  const checkProblems = problemsOf(runs.find(({ kind }) => kind === 'check'));
  return {
    repository,
    ...(lastCheck === undefined ? {} : { lastCheck }),
    ...(checkProblems === undefined ? {} : { checkProblems }),
    ...(lastPrune === undefined ? {} : { lastPrune }),
  };
}

/** One that could not be made has found nothing. */
function problemsOf(check: RunRecord | undefined): number | undefined {
  const problems = check?.facts['problems'];
  if (typeof problems === 'number') return problems;
  return check?.status === 'done' ? 0 : undefined;
}

function drillFacts(drill: string, runs: readonly RunRecord[]): DrillFacts {
  const [last] = runs;
  const { lastSuccess, durationSeconds } = endsOf(runs);
  return {
    drill,
    ...(last?.ended === undefined ? {} : { last: last.ended, passed: last.status === 'done' }),
    ...(lastSuccess === undefined ? {} : { lastSuccess }),
    ...(durationSeconds === undefined ? {} : { durationSeconds }),
  };
}

/** Of runs with the newest first. */
function endsOf(runs: readonly RunRecord[]): Pick<ComponentFacts, 'lastSuccess' | 'lastFailure' | 'durationSeconds'> {
  const success = runs.find(({ status }) => status === 'done');
  const failure = runs.find(({ status }) => status !== 'done');
  const seconds = success?.facts['seconds'];
  return {
    ...(success?.ended === undefined ? {} : { lastSuccess: success.ended }),
    ...(failure?.ended === undefined ? {} : { lastFailure: failure.ended }),
    ...(typeof seconds === 'number' ? { durationSeconds: seconds } : {}),
  };
}
