/** The notifier of a configuration. */
import { hostname } from 'node:os';
import type { Configuration } from '../../config/configuration.ts';
import type { Environment } from '../../config/fill-in-variables.ts';
import type { AlarmStore } from '../../observe/notify/alarm-store.ts';
import { createNotifier, type Notifier } from '../../observe/notify/notifier.ts';
import type { Clock } from '../../util/clock.ts';
import { notifyRoutes } from './notify-routes.ts';

export interface NotifierSurroundings {
  /** `catalog.alarms`. */
  readonly store: AlarmStore;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly signal?: AbortSignal;
  /** Sends each message once at a time, and waits so many milliseconds for it: for a process that must not wait. What fails is kept, and tried again. */
  readonly onceWithinMs?: number;
}

/** With no routes where the configuration has none: alarms are kept all the same, for `holdfast status`. */
export function openNotifier(
  configuration: Configuration,
  { store, clock, environment, signal, onceWithinMs }: NotifierSurroundings,
): Notifier {
  const abort = signal === undefined ? {} : { signal };
  return createNotifier({
    application: configuration.application,
    routes: notifyRoutes(configuration, { environment, ...abort }),
    store,
    scope: configuration.file,
    clock,
    host: hostname(),
    timezone: configuration.timezone,
    ...abort,
    ...(onceWithinMs === undefined ? {} : { withinMs: onceWithinMs, patience: [] }),
  });
}
