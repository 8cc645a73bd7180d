/** Takes what is due out of the store, sends it, and settles what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../../errors.ts';
import {
  readNotices,
  readOpenAlarms,
  readRouteState,
  writeNotice,
  writeOpenAlarm,
  writeRouteState,
  type Notice,
  type RouteState,
} from './alarm-documents.ts';
import type { AlarmStore } from './alarm-store.ts';
import { composeMessage, mostItems, type Message } from './compose-message.ts';
import { quietUntil } from './choose-routes.ts';
import { isPing, type Route, type RouteAnswer } from './route.ts';
import { DeliveryFailure, type Delivery } from './send/delivery.ts';

export interface SendQueueOptions {
  readonly store: AlarmStore;
  readonly host: string;
  readonly timezone?: string | undefined;
  /** Sends one message, or throws. */
  readonly deliver: (route: Route, message: Message) => Promise<Delivery>;
  /** Milliseconds to wait before the second attempt, the third, and so on. */
  readonly patience: readonly number[];
}

const minute = 60_000;
const hour = 60 * minute;
/** How long a route that failed is left alone. */
const nextTries = [minute, 5 * minute, 15 * minute, hour];
/** Longer than all attempts at one message take. */
const claimFor = 3 * minute;
/** What could not be sent for so long is given up, and counted. What is open is told again when the route works, and what is over is told then. */
const giveUpAfter = 3 * 24 * hour;
/** People are told how many more there are; a machine must hear of each. */
const mostAtOnce = 200;

/**
 * Sends what is due for this route, as one message; undefined where there is nothing. Never throws for what the other side does.
 *
 * @param urgent what is not due yet too, and to a route that failed a moment ago, once
 */
export async function sendDue(
  options: SendQueueOptions,
  route: Route,
  { now, urgent }: { readonly now: Date; readonly urgent: boolean },
): Promise<RouteAnswer | undefined> {
  const { store, host } = options;
  if (!readNotices(store).some((notice) => notice.route === route.name)) return undefined;
  const notices = store.transact(() => claim(options, route, now, urgent));
  if (notices.length === 0) return undefined;
  const isFailing = readRouteState(store, route.name).failing !== undefined;
  try {
    const patience = isFailing ? [] : options.patience;
    const delivery = await attempt(() => options.deliver(route, composeMessage(notices, { host, now })), patience);
    store.transact(() => settle(store, route, notices, delivery, now));
    const ok = delivery.problem === undefined;
    return { route: route.name, ok, answer: delivery.problem ?? delivery.answer, told: notices.length };
  } catch (error) {
    const problem = reasonOf(error);
    store.transact(() => postpone(store, route, notices, problem, now));
    return { route: route.name, ok: false, answer: problem, told: notices.length };
  }
}

/** When something is next to be sent to this route; undefined where nothing waits. */
export function nextSend({ store, timezone }: SendQueueOptions, route: Route, now: Date): Date | undefined {
  const { failing } = readRouteState(store, route.name);
  const quiet = quietUntil(route, now, timezone)?.getTime() ?? 0;
  const waits = readNotices(store)
    .filter((notice) => notice.route === route.name)
    .map((notice) =>
      Math.max(
        timeLeft(notice.due, now, minute),
        timeLeft(failing?.nextTry, now, hour),
        timeLeft(notice.claimed, now, claimFor),
        isQuiet(notice) ? quiet - now.getTime() : 0,
      ),
    );
  return waits.length === 0 ? undefined : new Date(now.getTime() + Math.min(...waits));
}

function isQuiet({ alarm }: Notice): boolean {
  return alarm.severity !== 'critical';
}

/** Of the same alarm something is told that came later: what was held back must not be told after it. */
function isOvertaken({ alarm }: Notice, later: readonly Notice[]): boolean {
  return later.some((other) => !isQuiet(other) && other.alarm.key === alarm.key);
}

function isMachine({ target }: Route): boolean {
  return target.kind === 'alertmanager' || target.kind === 'webhook';
}

function claim({ store, timezone }: SendQueueOptions, route: Route, now: Date, urgent: boolean): readonly Notice[] {
  const state = readRouteState(store, route.name);
  let waiting = readNotices(store).filter((notice) => notice.route === route.name);
  const late = waiting.filter(({ queued, what }) => what !== 'resolved' && now.getTime() - queued.getTime() > giveUpAfter);
  if (late.length > 0) {
    for (const { id } of late) store.remove('notice', id);
    writeRouteState(store, { ...state, lost: state.lost + late.length });
    waiting = waiting.filter((notice) => !late.includes(notice));
  }
  if (!urgent && timeLeft(state.failing?.nextTry, now, hour) > 0) return [];
  // One process at a time speaks to a route, so that what is told stays in order.
  if (waiting.some(({ claimed }) => timeLeft(claimed, now, claimFor) > 0)) return [];
  const quiet = quietUntil(route, now, timezone) !== undefined;
  const ready = quiet ? waiting.filter((notice, index) => !isQuiet(notice) || isOvertaken(notice, waiting.slice(index + 1))) : waiting;
  if (!ready.some(({ due }) => urgent || timeLeft(due, now, minute) === 0)) return [];
  const chosen = isPing(route) ? choosePing(store, ready, state) : ready.slice(0, isMachine(route) ? mostItems : mostAtOnce);
  const claimed = new Date(now.getTime() + claimFor);
  for (const notice of chosen) writeNotice(store, { ...notice, claimed });
  return chosen;
}

/** Milliseconds until a moment, or 0. Where it is farther ahead than it can be, the clock was put back: that must not silence anything. */
function timeLeft(moment: Date | undefined, now: Date, most: number): number {
  const left = (moment?.getTime() ?? 0) - now.getTime();
  return left > most ? 0 : Math.max(0, left);
}

/** One sign of life at a time, in order. Of those that could not be sent only the last says how it is. */
function choosePing(store: AlarmStore, ready: readonly Notice[], { failing }: RouteState): readonly Notice[] {
  if (failing === undefined) return ready.slice(0, 1);
  for (const { id } of ready.slice(0, -1)) store.remove('notice', id);
  return ready.slice(-1);
}

async function attempt(send: () => Promise<Delivery>, patience: readonly number[]): Promise<Delivery> {
  for (const wait of patience) {
    try {
      return await send();
    } catch (error) {
      if (error instanceof DeliveryFailure && error.final) throw error;
      await sleep(wait);
    }
  }
  return send();
}

function settle(store: AlarmStore, route: Route, notices: readonly Notice[], { problem }: Delivery, now: Date): void {
  for (const { id } of notices) store.remove('notice', id);
  const keys = new Set(notices.map(({ alarm }) => alarm.key));
  for (const open of readOpenAlarms(store)) {
    if (keys.has(open.alarm.key)) writeOpenAlarm(store, { ...open, told: { ...open.told, [route.name]: now } });
  }
  // Those whom it reaches are not to wait for the others.
  if (problem !== undefined) return markFailing(store, route, problem, now, 0);
  writeRouteState(store, { name: route.name, lastSuccess: now, lost: 0 });
}

function postpone(store: AlarmStore, route: Route, notices: readonly Notice[], problem: string, now: Date): void {
  for (const { claimed: _, ...notice } of notices) writeNotice(store, notice);
  markFailing(store, route, problem, now);
}

function markFailing(store: AlarmStore, route: Route, problem: string, now: Date, pause?: number): void {
  const state = readRouteState(store, route.name);
  const attempts = (state.failing?.attempts ?? 0) + 1;
  const wait = pause ?? nextTries[Math.min(attempts, nextTries.length) - 1] ?? hour;
  writeRouteState(store, {
    ...state,
    failing: { since: state.failing?.since ?? now, attempts, problem, nextTry: new Date(now.getTime() + wait) },
  });
}
