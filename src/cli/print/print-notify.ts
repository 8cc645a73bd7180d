import type { OpenAlarm } from '../../observe/notify/alarm-documents.ts';
import type { RouteStatus } from '../../observe/notify/notifier.ts';
import type { RouteAnswer } from '../../observe/notify/route.ts';
import { formatCount, formatMoment } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfRoute({ name, kind, address, on, waiting, lastSuccess, failing, lost }: RouteStatus): object {
  return {
    message_type: 'route',
    name,
    kind,
    address,
    on,
    waiting,
    lost,
    ...(lastSuccess === undefined ? {} : { last_success: lastSuccess.toISOString() }),
    ...(failing === undefined ? {} : { failing_since: failing.since.toISOString(), problem: failing.problem, attempts: failing.attempts }),
  };
}

export function textOfRoutes(routes: readonly RouteStatus[]): string {
  if (routes.length === 0) return 'nobody is told: the configuration has no notify (see docs/notify.md)';
  const rows = routes.map(({ name, kind, address, on, waiting, lastSuccess, failing }) => [
    name,
    kind,
    printable(address),
    on.join(' '),
    lastSuccess === undefined ? 'never' : formatMoment(lastSuccess),
    failing === undefined
      ? waiting === 0
        ? ''
        : `${formatCount(waiting, 'message')} on the way`
      : `FAILS since ${formatMoment(failing.since)}: ${printable(failing.problem)}`,
  ]);
  return formatTable(['name', 'kind', 'to', 'tells', 'last reached', ''], rows);
}

export function recordOfOpenAlarm({ alarm, since, count }: OpenAlarm): object {
  const { key, event, severity, component, title, text, facts, at } = alarm;
  return {
    message_type: 'alarm',
    key,
    event,
    severity,
    ...(component === undefined ? {} : { component }),
    title,
    text,
    facts,
    since: since.toISOString(),
    at: at.toISOString(),
    count,
  };
}

export function textOfOpenAlarms(alarms: readonly OpenAlarm[]): string {
  if (alarms.length === 0) return 'no alarm is open';
  const rows = alarms.map(({ alarm, since }) => [alarm.severity, formatMoment(since), printable(alarm.title)]);
  return `${formatTable(['alarm', 'since', ''], rows)}\n${formatCount(alarms.length, 'alarm')} open`;
}

export function recordOfAnswer({ route, ok, answer }: RouteAnswer): object {
  return { message_type: 'answer', route, ok, answer };
}

export function textOfAnswer({ route, ok, answer }: RouteAnswer): string {
  return `${ok ? '  ok ' : 'FAIL '} ${route}: ${printable(answer)}`;
}
