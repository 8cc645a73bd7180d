/** Schedules, objectives and maintenance as they are written and what they mean, and back. */
import { formatDuration, parseDuration } from '../util/quantities.ts';
import type { Configuration, MaintenanceConfiguration, ObjectiveConfiguration, ScheduleConfiguration } from './configuration.ts';
import { definedOnly } from './defined-only.ts';
import { scheduleWords, type WrittenMaintenance, type WrittenObjective, type WrittenSchedule } from './schema/schedule.ts';

/** How often is looked whether something has changed. */
const defaultLookMs = 30 * 60_000;
const defaultPrune = '30 4 * * *';
const defaultCheck = '30 5 * * *';
const defaultCheckWithinMs = 30 * 86_400_000;

/** A schedule that is written in one line, as those of archives and drills: five fields, a word, a duration. */
export function readSchedule(text: string, timezone: string | undefined): ScheduleConfiguration {
  const zone = timezone === undefined ? {} : { timezone };
  if (text === 'on-change') return { onChange: true, everyMs: defaultLookMs, ...zone };
  const everyMs = parseDuration(text);
  return everyMs === undefined ? { cron: scheduleWords[text] ?? text, ...zone } : { everyMs, ...zone };
}

/** Undefined for `never`. */
export function understandSchedule(written: WrittenSchedule, timezone: string | undefined): ScheduleConfiguration | undefined {
  if (typeof written === 'string') return written === 'never' ? undefined : readSchedule(written, timezone);
  const { cron, every, jitter } = written;
  const time = written['on-change'] === true ? 'on-change' : (cron ?? every ?? 'daily');
  const everyMs = every === undefined ? undefined : parseDuration(every);
  return {
    ...readSchedule(time, written.timezone ?? timezone),
    ...definedOnly({ everyMs, jitterMs: jitter === undefined ? undefined : parseDuration(jitter), catchUp: written['catch-up'] }),
  };
}

export function understandObjective({ rpo, rto }: WrittenObjective): ObjectiveConfiguration {
  return definedOnly({
    rpoMs: rpo === undefined ? undefined : parseDuration(rpo),
    rtoMs: rto === undefined ? undefined : parseDuration(rto),
  });
}

export function understandMaintenance(written: WrittenMaintenance | undefined, timezone: string | undefined): MaintenanceConfiguration {
  const { prune = defaultPrune, check = defaultCheck, 'check-within': within } = written ?? {};
  return {
    ...definedOnly({ prune: understandSchedule(prune, timezone), check: understandSchedule(check, timezone) }),
    checkWithinMs: (within === undefined ? undefined : parseDuration(within)) ?? defaultCheckWithinMs,
  };
}

/** In the words of the file. `never` where there is none. */
export function writeSchedule(schedule: ScheduleConfiguration | undefined): unknown {
  if (schedule === undefined) return 'never';
  const { cron, onChange, everyMs, timezone, jitterMs, catchUp } = schedule;
  return definedOnly({
    cron,
    'on-change': onChange,
    'every': everyMs === undefined ? undefined : formatDuration(everyMs),
    timezone,
    'jitter': jitterMs === undefined ? undefined : formatDuration(jitterMs),
    'catch-up': catchUp,
  });
}

export function writeObjective(objective: ObjectiveConfiguration): object {
  const { rpoMs, rtoMs } = objective;
  return definedOnly({
    rpo: rpoMs === undefined ? undefined : formatDuration(rpoMs),
    rto: rtoMs === undefined ? undefined : formatDuration(rtoMs),
  });
}

export function writeMaintenance({ prune, check, checkWithinMs }: Configuration['maintenance']): object {
  return { 'prune': writeSchedule(prune), 'check': writeSchedule(check), 'check-within': formatDuration(checkWithinMs) };
}
