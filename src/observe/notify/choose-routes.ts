/** Which route is told what, and when. Pure. */
import type { AlarmEvent } from '../../util/alarm-events.ts';
import { isAtLeast, isNote, type Alarm } from './alarm.ts';
import { isPing, type Route } from './route.ts';

const usual: readonly AlarmEvent[] = ['failure', 'objective', 'anomaly', 'drill', 'space', 'lock', 'missed', 'daemon', 'recovery'];
const usualOfPings: readonly AlarmEvent[] = ['start', 'success', 'failure'];
const minute = 60_000;
const day = 24 * 60 * minute;

export function eventsOf(route: Route): readonly AlarmEvent[] {
  return route.on ?? (isPing(route) ? usualOfPings : usual);
}

/**
 * Whether a route wants an alarm. What concerns the application as a whole passes a choice of components, so that it is never told to
 * nobody; but a receiver that waits for one component's signs of life must not take another's for them.
 */
export function wants(route: Route, alarm: Alarm): boolean {
  if (!eventsOf(route).includes(alarm.event)) return false;
  if (isPing(route)) return route.components === undefined || (alarm.component !== undefined && route.components.includes(alarm.component));
  if (route.target.kind === 'alertmanager' && isNote(alarm)) return false;
  if (!isAtLeast(alarm.severity, route.severity ?? 'info')) return false;
  return route.components === undefined || alarm.component === undefined || route.components.includes(alarm.component);
}

/**
 * After which time an alarm that is open is told again, in milliseconds; undefined: never. An Alertmanager has rules of its own for that, and
 * forgets what it knows when it is started anew: it is told all the time.
 */
export function repeatAfter(route: Route, alarm: Alarm): number | undefined {
  if (isPing(route)) return undefined;
  if (route.target.kind === 'alertmanager') return Math.min(route.repeatMs ?? 5 * minute, day);
  return route.repeatMs ?? (alarm.severity === 'critical' ? 4 * 60 * minute : day);
}

/** The end of the quiet hours that `now` lies in; undefined outside of them. What is critical does not wait for it. */
export function quietUntil(route: Route, now: Date, timezone: string | undefined): Date | undefined {
  if (route.quiet === undefined) return undefined;
  const { from, to } = route.quiet;
  const at = minuteOfDay(now, timezone);
  const isQuiet = from < to ? at >= from && at < to : at >= from || at < to;
  if (!isQuiet || from === to) return undefined;
  const left = (to - at + 24 * 60) % (24 * 60);
  return new Date(now.getTime() - (now.getTime() % minute) + left * minute);
}

function minuteOfDay(now: Date, timezone: string | undefined): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const valueOf = (type: string): number => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return valueOf('hour') * 60 + valueOf('minute');
}
