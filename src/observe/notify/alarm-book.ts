/** What is open and what is still to be told, kept in the store: raising, resolving and repeating only write here, and nothing is sent. */
import { randomUUID } from 'node:crypto';
import { isAtLeast, isNote, type Alarm } from './alarm.ts';
import { readNotices, readOpenAlarms, writeNotice, writeOpenAlarm, type Notice, type OpenAlarm } from './alarm-documents.ts';
import type { AlarmStore } from './alarm-store.ts';
import { boundAlarm, boundText } from './bound-alarm.ts';
import { repeatAfter, wants } from './choose-routes.ts';
import { isPing, type Route } from './route.ts';

/** Milliseconds. What happens within this time is told in one message. */
const groupWithin = 30_000;
const mostAlarms = 1000;
const mostNotices = 1000;

export interface AlarmBook {
  raise(alarm: Alarm, now: Date, about?: string): void;
  /** Nothing happens where no such alarm is open. */
  resolve(key: string, text: string, now: Date): void;
  /** Queues what is open and was not told for too long. */
  repeat(now: Date): void;
}

export function createAlarmBook(store: AlarmStore, routes: readonly Route[]): AlarmBook {
  const tell = (route: Route, notice: Omit<Notice, 'id' | 'route' | 'queued' | 'due'>, now: Date): void => {
    const due = isPing(route) ? now : new Date(now.getTime() + groupWithin);
    const { attachment: _, ...bare } = notice.alarm;
    const alarm = route.target.kind === 'email' ? notice.alarm : bare;
    writeNotice(store, { ...notice, alarm, id: randomUUID(), route: route.name, queued: now, due });
  };
  /* A route that fails is told of through all others, whatever they usually tell. */
  const routesFor = (alarm: Alarm, about: string | undefined): readonly Route[] =>
    routes.filter((route) => (about === undefined ? wants(route, alarm) : route.name !== about && !isPing(route)));

  const raise = (given: Alarm, now: Date, about?: string): void => {
    const alarm = boundAlarm(given);
    const all = readOpenAlarms(store);
    const known = all.find((open) => open.alarm.key === alarm.key);
    if (isNote(alarm)) {
      for (const route of routesFor(alarm, about)) tell(route, { what: 'note', alarm, since: alarm.at }, now);
      return makeRoom(store);
    }
    const open: OpenAlarm = {
      alarm,
      since: known?.since ?? alarm.at,
      count: (known?.count ?? 0) + 1,
      told: known?.told ?? {},
      ...(about === undefined ? {} : { about }),
    };
    if (known === undefined && all.length >= mostAlarms) {
      const oldest = all[0];
      if (oldest !== undefined) store.remove('alarm', oldest.alarm.key);
    }
    writeOpenAlarm(store, open);
    const isNews = known === undefined || !isAtLeast(known.alarm.severity, alarm.severity);
    for (const route of routesFor(alarm, about)) {
      // Each run that fails is told to who counts runs; people are told once.
      if (isNews || isPing(route)) tell(route, { what: 'raised', alarm, since: open.since }, now);
    }
    makeRoom(store);
  };

  const resolve = (key: string, text: string, now: Date): void => {
    const open = readOpenAlarms(store).find(({ alarm }) => alarm.key === key);
    if (open === undefined) return;
    store.remove('alarm', key);
    const end = boundText(text);
    for (const route of routesFor(open.alarm, open.about)) {
      if (!isPing(route)) tell(route, { what: 'resolved', alarm: open.alarm, since: open.since, end }, now);
    }
    makeRoom(store);
  };

  const repeat = (now: Date): void => {
    const waiting = new Set(readNotices(store).map(({ route, alarm }) => `${route}\n${alarm.key}`));
    for (const open of readOpenAlarms(store)) {
      for (const route of routesFor(open.alarm, open.about)) {
        const after = repeatAfter(route, open.alarm);
        if (after === undefined || waiting.has(`${route.name}\n${open.alarm.key}`)) continue;
        const told = open.told[route.name];
        // A route that is new in the configuration hears of what is open already. A clock that went back must not silence it.
        const isDue = told === undefined || now.getTime() - told.getTime() >= after || told.getTime() - now.getTime() > after;
        if (isDue) tell(route, { what: told === undefined ? 'raised' : 'repeated', alarm: open.alarm, since: open.since }, now);
      }
    }
    makeRoom(store);
  };

  /* Most of what is told is told to nobody, and most of what is resolved is not open: that is looked up without keeping others from writing. */
  const isOpen = (): boolean => store.list('alarm').length > 0;
  const isOpenAs = (key: string): boolean => store.list('alarm').some(({ id }) => id === key);
  return {
    raise: (alarm, now, about) => {
      if (!isNote(alarm) || routesFor(alarm, about).length > 0) store.transact(() => raise(alarm, now, about));
    },
    resolve: (key, text, now) => {
      if (isOpenAs(key)) store.transact(() => resolve(key, text, now));
    },
    repeat: (now) => {
      if (isOpen()) store.transact(() => repeat(now));
    },
  };
}

/** Where nothing can be sent for long, what is oldest goes; what is open is told again in any case. */
function makeRoom(store: AlarmStore): void {
  const documents = store.list('notice');
  for (const { id } of documents.slice(0, Math.max(0, documents.length - mostNotices))) store.remove('notice', id);
}
