/**
 * Tells people. What is raised is written into the store at once and sent later (`tick`, or `flush` where the process is about to end), so
 * that a message outlives a crash, and what happens together is told together. Nothing here throws because of a route: what fails is in the
 * answers, in `routes()`, and is raised as an alarm of its own through the other routes.
 */
import type { Clock } from '../../util/clock.ts';
import type { Alarm } from './alarm.ts';
import { createAlarmBook } from './alarm-book.ts';
import { readNotices, readOpenAlarms, readRouteState, type OpenAlarm, type RouteState } from './alarm-documents.ts';
import { scopeAlarmStore, type AlarmStore } from './alarm-store.ts';
import { eventsOf, repeatAfter, wants } from './choose-routes.ts';
import type { Route, RouteAnswer } from './route.ts';
import { deliver } from './send/deliver.ts';
import { nextSend, sendDue, type SendQueueOptions } from './send-queue.ts';
import { createSteadyStore } from './steady-store.ts';
import { tryRoute } from './try-route.ts';

export interface NotifierOptions {
  readonly application: string;
  readonly routes: readonly Route[];
  readonly store: AlarmStore;
  /** Which alarms and routes of the store are its own: the path of the configuration. The application's name where absent. */
  readonly scope?: string;
  readonly clock: Clock;
  /** Of this machine, for the messages. */
  readonly host: string;
  /** For quiet hours, such as `Europe/Berlin`; the machine's own where absent. */
  readonly timezone?: string | undefined;
  /** Ends attempts that are under way. */
  readonly signal?: AbortSignal;
  /** Milliseconds that one attempt may take: 15 seconds. */
  readonly withinMs?: number;
  /** Milliseconds before the second attempt and the third: 1 and 5 seconds. */
  readonly patience?: readonly number[];
}

export interface RouteStatus extends RouteState {
  readonly kind: Route['target']['kind'];
  /** Without secrets. */
  readonly address: string;
  readonly on: readonly string[];
  /** How many notices wait for it. */
  readonly waiting: number;
}

export interface Notifier {
  /** An alarm that is open already is brought up to date, and told again only where it got worse. */
  raise(alarm: Alarm): void;
  /** Ends an alarm, and says so; nothing where none with this key is open. */
  resolve(key: string, text: string): void;
  /** Sends what is due, and again what is open for long. Call it at `nextWake`, or every half minute. */
  tick(now?: Date): Promise<readonly RouteAnswer[]>;
  /** Sends all that waits, now: for a process that is about to end. Quiet hours hold. */
  flush(): Promise<readonly RouteAnswer[]>;
  /** When `tick` is next needed; undefined while nothing waits and nothing is open. */
  nextWake(): Date | undefined;
  /** Really sends a test to these routes, or to all; what each answered. A receiver of pings counts it as a success. */
  test(names?: readonly string[]): Promise<readonly RouteAnswer[]>;
  openAlarms(): readonly OpenAlarm[];
  routes(): readonly RouteStatus[];
}

const attemptLimit = 15_000;
const usualPatience = [1000, 5000];

export function createNotifier(options: NotifierOptions): Notifier {
  const { application, routes, clock, host, timezone, signal, withinMs = attemptLimit, patience = usualPatience } = options;
  const store = createSteadyStore(scopeAlarmStore(options.store, options.scope ?? application));
  const book = createAlarmBook(store, routes);
  const limits = { withinMs, ...(signal === undefined ? {} : { signal }) };
  const queue: SendQueueOptions = { store, host, timezone, patience, deliver: (route, message) => deliver(route.target, message, limits) };

  const send = async (now: Date, urgent: boolean): Promise<readonly RouteAnswer[]> => {
    reportStore(now);
    const answers = await Promise.all(routes.map((route) => sendAll(queue, route, now, urgent)));
    const all = answers.flat();
    reportRoutes(now);
    return all;
  };

  const reportStore = (now: Date): void => {
    store.recover();
    if (store.problem !== undefined) {
      if (!readOpenAlarms(store).some(({ alarm }) => alarm.key === storeKey)) book.raise(storeAlarm(application, store.problem, now), now);
    } else book.resolve(storeKey, 'They can be kept again.', now);
  };

  /* A failing route is an alarm like others, told through the others. */
  const reportRoutes = (now: Date): void => {
    const open = new Set(readOpenAlarms(store).map(({ alarm }) => alarm.key));
    for (const route of routes) {
      const { failing } = readRouteState(store, route.name);
      const key = keyOfRoute(route.name);
      if (failing === undefined) {
        if (open.has(key)) book.resolve(key, 'It works again; what had waited was sent.', now);
      } else if (!open.has(key)) book.raise(routeAlarm(application, route, failing, now), now, route.name);
    }
    for (const key of open) {
      const name = /^notify:(.*)$/.exec(key)?.[1];
      if (name !== undefined && !routes.some((route) => route.name === name))
        book.resolve(key, 'It is not in the configuration any more.', now);
    }
  };

  return {
    raise: (alarm) => book.raise(alarm, clock.now()),
    resolve: (key, text) => book.resolve(key, text, clock.now()),
    tick: async (now = clock.now()) => {
      forgetRoutes(store, routes);
      book.repeat(now);
      return send(now, false);
    },
    flush: async () => {
      const answers = await send(clock.now(), true);
      // What has just failed is told through the others before the process ends.
      return answers.some(({ ok }) => !ok) ? [...answers, ...(await sendOthers(queue, routes, answers, clock.now()))] : answers;
    },
    nextWake: () => {
      const now = clock.now();
      const sends = routes.map((route) => nextSend(queue, route, now)?.getTime());
      const repeats = readOpenAlarms(store).flatMap((open) =>
        routes
          .filter((route) => (open.about === undefined ? wants(route, open.alarm) : route.name !== open.about))
          .map((route) => {
            const after = repeatAfter(route, open.alarm);
            return after === undefined ? undefined : (open.told[route.name]?.getTime() ?? now.getTime()) + after;
          }),
      );
      const moments = [...sends, ...repeats].filter((moment) => moment !== undefined);
      return moments.length === 0 ? undefined : new Date(Math.max(now.getTime(), Math.min(...moments)));
    },
    test: (names) =>
      Promise.all(
        routes
          .filter(({ name }) => names === undefined || names.includes(name))
          .map((route) => tryRoute(route, { application, host, now: clock.now(), limits })),
      ),
    openAlarms: () => readOpenAlarms(store),
    routes: () => {
      const notices = readNotices(store);
      return routes.map((route) => ({
        ...readRouteState(store, route.name),
        kind: route.target.kind,
        address: route.address,
        on: eventsOf(route),
        waiting: notices.filter((notice) => notice.route === route.name).length,
      }));
    },
  };
}

/** Messages to one route go one after the other: signs of life are single ones, and an end must not come before its beginning. */
async function sendAll(queue: SendQueueOptions, route: Route, now: Date, urgent: boolean): Promise<readonly RouteAnswer[]> {
  const answers: RouteAnswer[] = [];
  for (let count = 0; count < 50; count++) {
    const answer = await sendDue(queue, route, { now, urgent });
    if (answer === undefined) break;
    answers.push(answer);
    if (!answer.ok) break;
  }
  return answers;
}

async function sendOthers(
  queue: SendQueueOptions,
  routes: readonly Route[],
  answers: readonly RouteAnswer[],
  now: Date,
): Promise<readonly RouteAnswer[]> {
  const failed = new Set(answers.flatMap(({ ok, route }) => (ok ? [] : [route])));
  const sent = await Promise.all(routes.filter(({ name }) => !failed.has(name)).map((route) => sendAll(queue, route, now, true)));
  return sent.flat();
}

/** What waits for a route that is not in the configuration any more is nobody's. */
function forgetRoutes(store: AlarmStore, routes: readonly Route[]): void {
  const names = new Set(routes.map(({ name }) => name));
  const isForgotten = ({ route }: { readonly route: string }): boolean => !names.has(route);
  if (!readNotices(store).some(isForgotten) && store.list('route').every(({ id }) => names.has(id))) return;
  store.transact(() => {
    for (const notice of readNotices(store)) if (isForgotten(notice)) store.remove('notice', notice.id);
    for (const { id } of store.list('route')) if (!names.has(id)) store.remove('route', id);
  });
}

const storeKey = 'notify-store';

function storeAlarm(application: string, problem: string, now: Date): Alarm {
  return {
    key: storeKey,
    event: 'daemon',
    severity: 'warning',
    application,
    title: 'Alarms cannot be kept on disk',
    text: `They are kept in memory, and a restart forgets what was not sent: ${problem}. Make room, or look after the state folder.`,
    facts: {},
    at: now,
  };
}

function keyOfRoute(name: string): string {
  return `notify:${name}`;
}

function routeAlarm(application: string, route: Route, failing: NonNullable<RouteState['failing']>, now: Date): Alarm {
  return {
    key: keyOfRoute(route.name),
    event: 'failure',
    severity: 'warning',
    application,
    title: `Alarms do not reach "${route.name}"`,
    text: `Nothing can be sent to ${route.address}: ${failing.problem}. It is tried again; what waits is kept. Try it with: holdfast notify test ${route.name}`,
    facts: { route: route.name, kind: route.target.kind },
    at: now,
  };
}
