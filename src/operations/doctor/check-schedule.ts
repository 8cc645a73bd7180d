/** Whether anything makes the schedule happen, and whether it did: a schedule that nobody runs is silence, and looks like peace. */
import { stat } from 'node:fs/promises';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RunRecord } from '../../catalog/run-record.ts';
import type { Configuration } from '../../config/configuration.ts';
import { jitterOf, lastDue, nextDue } from '../../policy/schedule.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import { shellWord } from '../../util/shell-word.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { scheduleKeyOf } from '../jobs/daemon-holder.ts';
import { planJobs, wordsOfJob, type PlannedJob } from '../jobs/plan-jobs.ts';
import { planOuterSchedule } from '../schedule/outer-schedule.ts';
import { failed, ok, warning, type Check } from './check.ts';
import { findRunners, type Runner } from './find-runners.ts';

const hour = 3_600_000;
/** A run waits for others, and takes its time. */
const graceMs = { backup: hour, other: 6 * hour } as const;

/** `catalog`: absent where the history of this host cannot be read. */
export async function* checkSchedule(
  configuration: Configuration,
  catalog: Catalog | undefined,
  { clock, environment, signal, stateFolder }: ApplicationContext,
): AsyncGenerator<Check> {
  const jobs = planJobs(configuration);
  yield checkBackups(jobs);
  if (jobs.length === 0) return;
  const runners = await findRunners({
    configuration,
    schedule: planOuterSchedule(configuration),
    catalog,
    stateFolder,
    context: { environment, signal },
  });
  yield checkRunners(configuration, runners);
  for (const runner of runners) yield* checkRunner(configuration, runner);
  if (catalog === undefined || runners.length === 0) return;
  const known = catalog.schedules.all();
  const installed = await installedSince(configuration.file, runners);
  for (const job of jobs) {
    const [last] = catalog.runs({ configuration: configuration.file, job: job.id, limit: 1 });
    yield checkFired({ job, last, since: known.get(scheduleKeyOf(configuration.file, job.id))?.added ?? installed, now: clock.now() });
  }
}

/** Other schedulers do not say since when they have a job: not before they had any of them, nor before the configuration was written. */
async function installedSince(file: string, runners: readonly Runner[]): Promise<Date | undefined> {
  const times = runners.flatMap(({ since }) => (since === undefined ? [] : [since.getTime()]));
  const written = await stat(file).catch(() => undefined);
  return times.length === 0 || written === undefined ? undefined : new Date(Math.max(written.mtimeMs, Math.min(...times)));
}

function checkBackups(jobs: readonly PlannedJob[]): Check {
  const name = 'schedule: backups';
  const backups = jobs.filter(({ kind }) => kind === 'backup');
  const components = backups.flatMap(({ components: names }) => names);
  if (backups.length > 0)
    return ok(
      name,
      `${components.join(', ')} ${components.length === 1 ? 'is' : 'are'} backed up by ${components.length === 1 ? 'itself' : 'themselves'}`,
    );
  return warning(
    name,
    'nothing is backed up by itself: no component has a schedule',
    'In holdfast.yaml, for a component or at the top for all of them:\nschedule: 0 2 * * *',
  );
}

function installLines({ file, profile }: Configuration): string {
  const which = `--config ${shellWord(file)}${profile === undefined ? '' : ` --profile ${shellWord(profile)}`}`;
  return `holdfast schedule install ${which}\nholdfast serve ${which}`;
}

function checkRunners(configuration: Configuration, runners: readonly Runner[]): Check {
  const name = 'schedule: runs';
  const lines = installLines(configuration);
  const titles = runners.map(({ title }) => title).join(' and ');
  if (runners.length === 0) {
    const what = 'nothing makes the schedule happen here: no daemon is at work, and neither the crontab of this user nor systemd has it';
    return warning(name, what, `Let the system do it, or the daemon, one of the two:\n${lines}`);
  }
  if (runners.length === 1) return ok(name, `${titles} ${runners[0]?.kind === 'systemd' ? 'make' : 'makes'} it happen`);
  return warning(
    name,
    `${titles} have it, so everything is done twice`,
    `Take it from one of them:\nholdfast schedule remove --as ${runners.some(({ kind }) => kind === 'cron') ? 'crontab' : 'systemd'} --config ${shellWord(configuration.file)}`,
  );
}

function checkRunner(configuration: Configuration, { kind, lacking, idle }: Runner): Check[] {
  const name = `schedule: ${kind}`;
  if (idle !== undefined) return [failed(name, idle.what, idle.remedy)];
  if (kind === 'daemon') return [];
  if (lacking.length === 0) return [ok(name, 'it has every job as the configuration has it now')];
  const [line = ''] = installLines(configuration).split('\n');
  return [
    failed(
      name,
      `it lacks, or has at other times than the configuration: ${lacking.join('; ')}`,
      `Install it anew:\n${line} --as ${kind === 'cron' ? 'crontab' : kind}`,
    ),
  ];
}

export interface FiredQuestion {
  readonly job: PlannedJob;
  /** The newest run of it that this host remembers. */
  readonly last: RunRecord | undefined;
  /** Since when something is to run it. */
  readonly since: Date | undefined;
  readonly now: Date;
}

/** Whether a job ran when it was due last, and how that ended. Pure. */
export function checkFired({ job, last, since, now }: FiredQuestion): Check {
  const name = `schedule: ${job.id}`;
  const next = nextDue(job.schedule, now);
  const soon = next === undefined ? '' : `; it is due next at ${next.toISOString()}`;
  const grace = graceMs[job.kind === 'backup' && job.schedule.onChange !== true ? 'backup' : 'other'] + jitterOf(job.id, job.schedule);
  const due = lastDue(job.schedule, new Date(now.getTime() - grace));
  const isLate = due !== undefined && since !== undefined && due > since && (last === undefined || last.began < due);
  if (isLate && last?.status !== 'running') {
    const what = `it was due at ${due.toISOString()}, and did not run${last === undefined ? '' : ` (the last time it did was ${last.began.toISOString()})`}`;
    return failed(
      name,
      what,
      `See what ran, and do it now:\nholdfast history\n${['holdfast', ...wordsOfJob(job)].map(shellWord).join(' ')}`,
    );
  }
  if (last === undefined) return ok(name, `it has not run yet${soon}`);
  const when = `${sayDuration(Math.max(0, now.getTime() - last.began.getTime()))} ago`;
  if (last.status === 'running') return ok(name, `it runs, since ${last.began.toISOString()}`);
  if (last.status === 'done') return ok(name, `it ran ${when}, and ended well${soon}`);
  const reason = last.error === undefined ? '' : `: ${last.error.message.replace(/\.$/, '')}`;
  const tell = last.status === 'failed' ? failed : warning;
  return tell(name, `its last run, ${when}, was ${last.status}${reason}`, last.error?.hint ?? 'See what it said:\nholdfast history');
}
