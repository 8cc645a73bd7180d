/** Tells people where no daemon does: crontab and its kin know of a failure only by mail, if at all. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Configuration } from '../config/configuration.ts';
import { reasonOf } from '../errors.ts';
import type { Alarm } from '../observe/notify/alarm.ts';
import type { Notifier } from '../observe/notify/notifier.ts';
import type { Clock } from '../util/clock.ts';
import type { Environment } from './command-context.ts';

export interface TellingContext {
  readonly configuration: Configuration;
  /** Absent where it cannot be opened: what is told now is then forgotten with the process. */
  readonly catalog: Catalog | undefined;
  readonly clock: Clock;
  readonly environment: Environment;
  /** What is sent in vain. */
  readonly notice: (message: string) => void;
}

/** Whether a run was started by a scheduler that tells nobody: not by a person, who sees it, and not by the daemon, which tells by itself. */
export function isUnwatched({ HOLDFAST_TRIGGER: trigger, HOLDFAST_DAEMON: daemon }: Environment): boolean {
  return trigger === 'schedule' && !daemon;
}

/** Has a notifier raise and resolve, and sends what it is to say at once. Never throws. */
export async function tellPeople(context: TellingContext, tell: (notifier: Notifier) => void): Promise<void> {
  const { configuration, catalog, clock, environment, notice } = context;
  if ((configuration.notify ?? []).length === 0) return;
  try {
    const { openNotifier } = await import('../operations/notify/open-notifier.ts');
    const { createMemoryAlarmStore } = await import('../observe/notify/memory-alarm-store.ts');
    const notifier = openNotifier(configuration, { store: catalog?.alarms ?? createMemoryAlarmStore(), clock, environment });
    if (catalog === undefined) notifier.raise(await forgetfulness(context));
    tell(notifier);
    for (const { ok, route, answer } of await notifier.flush()) if (!ok) notice(`the alarm did not reach ${route}: ${answer}`);
  } catch (error) {
    notice(`nobody was told: ${reasonOf(error)}`);
  }
}

async function forgetfulness({ configuration: { application }, environment, clock }: TellingContext): Promise<Alarm> {
  const { forgetfulAlarm } = await import('../operations/notify/forgetful-alarm.ts');
  const { stateFolderOf } = await import('../util/state-folder.ts');
  return forgetfulAlarm({ application, folder: stateFolderOf(environment), at: clock.now() });
}
