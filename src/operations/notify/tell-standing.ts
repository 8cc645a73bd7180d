import type { Alarm } from '../../observe/notify/alarm.ts';
import type { Notifier } from '../../observe/notify/notifier.ts';

/**
 * Raises all that is wrong now, and ends what was wrong and is not any more.
 * @param prefixes the beginnings of the keys that were looked at: what is open under others stays as it is
 */
export function tellStanding(notifier: Notifier, alarms: readonly Alarm[], prefixes: readonly string[]): void {
  const wrong = new Set(alarms.map(({ key }) => key));
  for (const alarm of alarms) notifier.raise(alarm);
  for (const { alarm } of notifier.openAlarms()) {
    if (prefixes.some((prefix) => alarm.key.startsWith(prefix)) && !wrong.has(alarm.key))
      notifier.resolve(alarm.key, 'It is as it should be again.');
  }
}
