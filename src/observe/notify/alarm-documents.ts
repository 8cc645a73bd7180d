/** What the notifier keeps in the store, read with care: a document that another version wrote, or that is damaged, counts as absent. */
import { z } from 'zod';
import { alarmEvents } from '../../util/alarm-events.ts';
import { alarmSeverities, type Alarm } from './alarm.ts';
import type { AlarmDocumentKind, AlarmStore } from './alarm-store.ts';

/** An alarm that was raised and not resolved. */
export interface OpenAlarm {
  readonly alarm: Alarm;
  /** When it was first raised. */
  readonly since: Date;
  /** How often it was raised. */
  readonly count: number;
  /** When each route was last told. */
  readonly told: Readonly<Record<string, Date>>;
  /** The route that it is about: it is told through all the others. */
  readonly about?: string;
}

/** One thing that one route is still to be told. */
export interface Notice {
  readonly id: string;
  readonly route: string;
  readonly what: 'raised' | 'repeated' | 'resolved' | 'note';
  readonly alarm: Alarm;
  readonly since: Date;
  /** How it ended, where it is resolved. */
  readonly end?: string;
  readonly queued: Date;
  /** Not told before: so that what happens together is told together. */
  readonly due: Date;
  /** A process is sending it until then. */
  readonly claimed?: Date;
}

export interface RouteState {
  readonly name: string;
  readonly lastSuccess?: Date;
  /** Since when nothing could be sent, how often that was tried, why, and when it is tried again. */
  readonly failing?: { readonly since: Date; readonly attempts: number; readonly problem: string; readonly nextTry: Date };
  /** Notices that were given up since it last worked. */
  readonly lost: number;
}

const moment = z.iso.datetime().transform((text) => new Date(text));
const alarm = z.object({
  key: z.string(),
  event: z.enum(alarmEvents),
  severity: z.enum(alarmSeverities),
  application: z.string(),
  component: z.string().exactOptional(),
  title: z.string(),
  text: z.string(),
  facts: z.record(z.string(), z.string()),
  at: moment,
  attachment: z.object({ name: z.string(), text: z.string() }).exactOptional(),
});
const schemas = {
  alarm: z.object({
    alarm,
    since: moment,
    count: z.int().min(1),
    told: z.record(z.string(), moment),
    about: z.string().exactOptional(),
  }),
  notice: z.object({
    id: z.string(),
    route: z.string(),
    what: z.enum(['raised', 'repeated', 'resolved', 'note']),
    alarm,
    since: moment,
    end: z.string().exactOptional(),
    queued: moment,
    due: moment,
    claimed: moment.exactOptional(),
  }),
  route: z.object({
    name: z.string(),
    lastSuccess: moment.exactOptional(),
    failing: z.object({ since: moment, attempts: z.int().min(1), problem: z.string(), nextTry: moment }).exactOptional(),
    lost: z.int().min(0),
  }),
};

export function readOpenAlarms(store: AlarmStore): readonly OpenAlarm[] {
  return readAll(store, 'alarm', schemas.alarm);
}

export function writeOpenAlarm(store: AlarmStore, open: OpenAlarm): void {
  store.put('alarm', { id: open.alarm.key, text: JSON.stringify(open) });
}

export function readNotices(store: AlarmStore): readonly Notice[] {
  return readAll(store, 'notice', schemas.notice);
}

export function writeNotice(store: AlarmStore, notice: Notice): void {
  store.put('notice', { id: notice.id, text: JSON.stringify(notice) });
}

/** A route that nothing is known of has not failed. */
export function readRouteState(store: AlarmStore, name: string): RouteState {
  return readAll(store, 'route', schemas.route).find((state) => state.name === name) ?? { name, lost: 0 };
}

export function writeRouteState(store: AlarmStore, state: RouteState): void {
  store.put('route', { id: state.name, text: JSON.stringify(state) });
}

function readAll<Value>(store: AlarmStore, kind: AlarmDocumentKind, schema: z.ZodType<Value>): readonly Value[] {
  return store.list(kind).flatMap(({ text }) => {
    const read = schema.safeParse(parseJson(text));
    return read.success ? [read.data] : [];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
