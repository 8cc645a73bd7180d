/** When things are due, how much may be lost, how soon it must be back. */
import { Cron } from 'croner';
import { z } from 'zod';
import { parseDuration } from '../../util/quantities.ts';
import { mapping, rule, yesNo } from './parts.ts';

/** Words for what is asked for most, as cron and systemd understand them. */
export const scheduleWords: Readonly<Record<string, string>> = {
  hourly: '0 * * * *',
  daily: '0 0 * * *',
  weekly: '0 0 * * 0',
  monthly: '0 0 1 * *',
  quarterly: '0 0 1 1,4,7,10 *',
  yearly: '0 0 1 1 *',
};

const words = Object.keys(scheduleWords).join(', ');
const day = 86_400_000;
const longest = 3650 * day;
const cronField = '[0-9A-Za-z*,/-]+';
const cronForm = new RegExp(`^${cronField}(?: +${cronField}){4}$`);
/* What some crons know and others do not: the last day, the nearest weekday. */
const cronExtras = /\d[LW]|(?:^|[ ,])[LW](?=[ ,]|$)/i;

/** Five fields that every cron understands, and whose day comes: not 30 February. */
function isCron(text: string): boolean {
  if (!cronForm.test(text) || cronExtras.test(text)) return false;
  try {
    return new Cron(text, { mode: '5-part', paused: true, timezone: 'UTC' }).nextRun(new Date(0)) !== null;
  } catch {
    return false;
  }
}

function isLongDuration(text: string): boolean {
  const milliseconds = parseDuration(text) ?? 0;
  return milliseconds >= 60_000 && milliseconds <= longest;
}

function isTimezone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** A text that this holds of. */
function textThat(holds: (text: string) => boolean, allowed: string) {
  return z.string({ error: allowed }).refine(holds, { error: allowed });
}

function longDuration() {
  return textThat(isLongDuration, 'a duration of a minute or more such as 15m, 24h or 30d');
}

const everyMeaning = `a duration of a minute or more such as 6h, or ${words}`;
const cronMeaning = 'five fields of cron such as "0 2 * * *", of a time that comes';

export const timezone = textThat(isTimezone, 'a time zone such as Europe/Berlin or UTC');

const scheduleMapping = mapping({
  'cron': textThat(isCron, cronMeaning)
    .meta({ description: 'In the words of cron: minute, hour, day of the month, month, day of the week.', examples: ['0 2 * * *'] })
    .optional(),
  'every': textThat((text) => text in scheduleWords || isLongDuration(text), everyMeaning)
    .meta({ description: `A duration, or one of ${words}.`, examples: ['6h'] })
    .optional(),
  'on-change': yesNo()
    .meta({ description: 'Look as often as `every` says (30 minutes by default), and save only what has changed.', default: false })
    .optional(),
  'timezone': timezone.meta({ description: 'Whose hours these are; those of the whole file by default.' }).optional(),
  'jitter': longDuration()
    .meta({ description: 'Begin up to so much later, each job by a share of its own, so that many machines do not come at once.' })
    .optional(),
  'catch-up': yesNo()
    .meta({ description: 'What was missed while the machine was off is done once when it is back.', default: true })
    .optional(),
});

const checkedMapping = rule(scheduleMapping, (value) => {
  const found = ['cron', 'every'].filter((key) => key in value);
  const onChange = value['on-change'] === true;
  if (found.length === 2) return { found: 'cron and every', allowed: 'one of the two' };
  if (!onChange && found.length === 0) return { found: 'none of them', allowed: 'exactly one of cron, every, on-change', missing: true };
  if (onChange && 'cron' in value) return { at: 'cron', found: '"cron" with on-change', allowed: 'a duration: every: 30m' };
  if (onChange && typeof value['every'] === 'string' && value['every'] in scheduleWords)
    return { at: 'every', found: `${value['every']} with on-change`, allowed: 'a duration such as 30m' };
  return undefined;
});

const scheduleMeaning = `five fields of cron such as "0 2 * * *", ${words}, on-change, a duration such as 6h`;

function isScheduleText(text: string): boolean {
  return text === 'on-change' || text in scheduleWords || isLongDuration(text) || isCron(text);
}

/** A schedule in one word or one line, for what cannot look whether something has changed. */
export function scheduleText() {
  const allowed = `a schedule of five fields such as "0 5 1 * *", ${words}, or a duration such as 6h`;
  return textThat((text) => text !== 'on-change' && isScheduleText(text), allowed);
}

/** `never`: also where there is one for everything. */
export const schedule = z.union(
  [textThat((text) => text === 'never' || isScheduleText(text), `${scheduleMeaning}, or never`), checkedMapping],
  { error: `${scheduleMeaning}, never, or a mapping with cron, every, on-change` },
);

export const objective = mapping({
  rpo: longDuration()
    .meta({ description: 'How much may be lost at most: the age of the newest moment that can be restored.', examples: ['24h'] })
    .optional(),
  rto: longDuration()
    .meta({ description: 'How soon it must be back, by what drills and recoveries measured.', examples: ['1h'] })
    .optional(),
});

export const maintenance = mapping({
  'prune': schedule
    .meta({ description: 'When what no rule keeps goes, in every repository that has rules.', default: '30 4 * * *' })
    .optional(),
  'check': schedule
    .meta({
      description: 'When repositories are checked. Each check reads a share of the data, the next one the next.',
      default: '30 5 * * *',
    })
    .optional(),
  'check-within': longDuration()
    .meta({ description: 'In so much time the checks read everything, whatever its schedule.', default: '30d' })
    .optional(),
});

export type WrittenSchedule = z.infer<typeof schedule>;
export type WrittenObjective = z.infer<typeof objective>;
export type WrittenMaintenance = z.infer<typeof maintenance>;
