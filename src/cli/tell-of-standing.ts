/** What the daemon does each hour, done by the `holdfast status` that a schedule starts: people are told what is wrong with how the application stands. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Configuration } from '../config/configuration.ts';
import { reasonOf } from '../errors.ts';
import type { Alarm } from '../observe/notify/alarm.ts';
import type { StatusRecord } from '../operations/status/status-record.ts';
import type { CommandContext } from './command-context.ts';
import { openHostCatalog } from './open-catalog.ts';
import { tellPeople } from './tell-people.ts';

const mostRuns = 1000;

/** Raises alarms, ends those of what is right again, and sends them at once. Never throws. */
export async function tellOfStanding(status: StatusRecord, configuration: Configuration, context: CommandContext): Promise<void> {
  const { clock, environment, events } = context;
  const notice = (message: string): void => events({ type: 'notice', message });
  const catalog = await openHostCatalog(context).catch((error: unknown) => {
    notice(reasonOf(error));
    return undefined;
  });
  try {
    const { alarmsOfStatus, statusAlarmPrefixes } = await import('../operations/status/status-alarms.ts');
    const { overduePrefix } = await import('../operations/jobs/overdue-jobs.ts');
    const { watchedSince } = await import('../operations/status/watched-since.ts');
    const { tellStanding } = await import('../operations/notify/tell-standing.ts');
    const since = catalog === undefined ? undefined : watchedSince(catalog, configuration.file, clock);
    const overdue = catalog === undefined ? [] : await alarmsOfJobs(catalog, configuration, context);
    const alarms = [...alarmsOfStatus(status, since ?? new Date(0)), ...overdue];
    const prefixes = [...statusAlarmPrefixes, ...(catalog === undefined ? [] : [overduePrefix])];
    await tellPeople({ configuration, catalog, clock, environment, notice }, (notifier) => tellStanding(notifier, alarms, prefixes));
  } catch (error) {
    notice(`nobody was told how the application stands: ${reasonOf(error)}`);
  } finally {
    catalog?.close();
  }
}

/** Jobs whose runs did not begin, or do not end, on this host. Throws what the catalog throws. */
async function alarmsOfJobs(catalog: Catalog, configuration: Configuration, { clock }: CommandContext): Promise<readonly Alarm[]> {
  const { alarmsOfEndless, alarmsOfOverdue } = await import('../operations/jobs/overdue-jobs.ts');
  const { planJobs } = await import('../operations/jobs/plan-jobs.ts');
  const { scheduleKeyOf } = await import('../operations/jobs/daemon-holder.ts');
  const { application, file } = configuration;
  catalog.markInterrupted();
  const runs = catalog.runs({ configuration: file, limit: mostRuns });
  const history = { application, now: clock.now(), jobs: planJobs(configuration), runs };
  const addedOf = ({ id }: { readonly id: string }): Date => catalog.schedules.see(scheduleKeyOf(file, id)).added;
  return [...alarmsOfOverdue(history, addedOf), ...alarmsOfEndless(history)];
}
