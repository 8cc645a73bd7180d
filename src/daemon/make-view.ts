/** What the HTTP interface shows of the daemon's parts, as plain values with snake_case names. */
import type { Catalog } from '../catalog/catalog.ts';
import { type RunRecord, runKinds, runStatuses } from '../catalog/run-record.ts';
import { noteCancelledRun } from '../operations/audit/sign-in-notes.ts';
import type { DaemonView, RunFilter, ViewRecord } from '../operations/jobs/daemon-view.ts';
import { readVersion } from '../util/program-version.ts';
import type { StatusRecord } from '../operations/status/status-record.ts';
import { withTrigger } from './child-environment.ts';
import type { DaemonCore } from './daemon-core.ts';
import { jobsOf } from './earlier-runs.ts';
import { createPointList } from './list-points.ts';
import type { Scheduler } from './scheduler.ts';
import { wordsOfConfiguration } from './start-for-configuration.ts';

/** Where the last run of a job is looked for. */
const mostLooked = 500;

export interface ViewParts {
  readonly core: DaemonCore;
  readonly metrics: DaemonView['metrics'];
  /** How the application stands, as it was seen last. */
  readonly standing: () => StatusRecord | undefined;
  readonly reload: DaemonView['reload'];
}

export function makeView({ core, metrics, standing, reload }: ViewParts): DaemonView {
  const { program, environment, clock } = core.options;
  const points = createPointList(
    () => ({
      program,
      words: wordsOfConfiguration(core.configuration),
      environment: withTrigger(environment, 'api'),
      folder: core.configuration.folder,
    }),
    clock,
  );
  return {
    readiness: () => core.readiness(),
    metrics,
    points,
    requestRun: (jobId, who) => core.requestRun(jobId, who),
    cancelRun: (runId, who) => {
      const isCancelled = core.cancelRun(runId, who);
      if (isCancelled) noteCancelledRun(core.catalog, { token: who, run: runId }, clock.now());
      return isCancelled;
    },
    reload,
    status: async () => ({ ...statusOf(core), standing: standing() ?? null }),
    jobs: () => describeJobs(core),
    runs: (filter) => findRuns(core.catalog, core.configuration.file, filter).map(describeRun),
    alarms: () =>
      core.notifier
        .openAlarms()
        .map(({ alarm: { at, ...alarm }, since, count }) => ({ ...alarm, at: at.toISOString(), since: since.toISOString(), count })),
  };
}

function statusOf(core: DaemonCore): ViewRecord {
  const { scheduler, streams, notifier, configuration, started } = core;
  return {
    application: configuration.application,
    configuration: configuration.file,
    version: readVersion(),
    pid: process.pid,
    started: started.toISOString(),
    ready: core.readiness().ready,
    running: runningOf(scheduler),
    waiting: scheduler.waiting.map(({ id, job, due, trigger, attempt, notBefore }) => ({
      id,
      job: job.id,
      trigger,
      attempt,
      not_before: notBefore.toISOString(),
      ...(due === undefined ? {} : { due: due.toISOString() }),
    })),
    write_ahead_logs: streams.list().map(({ since, ...stream }) => ({ ...stream, since: since.toISOString() })),
    alarms: notifier.openAlarms().length,
    routes: notifier.routes().map(({ name, kind, address, waiting, failing }) => ({
      name,
      kind,
      address,
      waiting,
      problem: failing?.problem ?? null,
    })),
  };
}

function runningOf({ active }: Scheduler): readonly ViewRecord[] {
  if (active === undefined) return [];
  const { run, began, child } = active;
  const { id, kind, served, components, repository, trigger, askedBy, attempt } = run;
  return [
    {
      id,
      kind,
      jobs: served.map(({ job }) => job.id),
      components,
      ...(repository === undefined ? {} : { repository }),
      trigger,
      ...(askedBy === undefined ? {} : { asked_by: askedBy }),
      attempt,
      began: began.toISOString(),
      pid: child.pid ?? null,
      progress: child.progress() ?? null,
    },
  ];
}

function describeJobs({ scheduler, catalog, configuration }: DaemonCore): readonly ViewRecord[] {
  const runs = catalog.runs({ configuration: configuration.file, limit: mostLooked });
  return scheduler.jobs.map((job) => {
    const last = runs.find((run) => jobsOf(run).includes(job.id));
    const { id, kind, schedule, words, components, repository } = job;
    const waits = scheduler.waiting.some((each) => each.job.id === id);
    const isRunning = scheduler.active?.run.served.some((served) => served.job.id === id) === true;
    return {
      id,
      kind,
      schedule,
      command: ['holdfast', ...words].join(' '),
      components,
      ...(repository === undefined ? {} : { repository }),
      state: isRunning ? 'running' : waits ? 'waiting' : 'idle',
      next_due: scheduler.nextDueOf(job)?.toISOString() ?? null,
      last_run: last === undefined ? null : describeRun(last),
    };
  });
}

/** A word that is none of ours finds nothing. */
function findRuns(
  catalog: Catalog,
  configuration: string,
  { limit, kind: kindWord, status: statusWord, job }: RunFilter,
): readonly RunRecord[] {
  const kind = runKinds.find((each) => each === kindWord);
  const status = runStatuses.find((each) => each === statusWord);
  if (kind !== kindWord || status !== statusWord) return [];
  return catalog.runs({
    configuration,
    limit,
    ...(kind === undefined ? {} : { kind }),
    ...(status === undefined ? {} : { status }),
    ...(job === undefined ? {} : { job }),
  });
}

function describeRun({ began, ended, due, ...run }: RunRecord): ViewRecord {
  return {
    ...run,
    began: began.toISOString(),
    ended: ended?.toISOString() ?? null,
    ...(due === undefined ? {} : { due: due.toISOString() }),
  };
}
