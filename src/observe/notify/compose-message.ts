/** One message of what a route is to be told: the same for every kind of route, which then gives it the form of its receiver. */
import { createHash } from 'node:crypto';
import type { AlarmEvent } from '../../util/alarm-events.ts';
import { alarmSeverities, type Alarm, type AlarmAttachment, type AlarmSeverity } from './alarm.ts';
import type { Notice } from './alarm-documents.ts';

export interface MessageItem {
  readonly state: 'open' | 'still-open' | 'resolved' | 'note';
  readonly key: string;
  readonly event: AlarmEvent;
  readonly severity: AlarmSeverity;
  readonly component?: string;
  readonly title: string;
  readonly text: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly at: Date;
  /** When the alarm was first raised. */
  readonly since: Date;
}

export interface Message {
  /** The same when the same is sent again, so that a receiver can know it. 32 hex digits. */
  readonly id: string;
  readonly application: string;
  readonly host: string;
  /** Of the worst that is open; `resolved` where nothing in it is. */
  readonly state: 'open' | 'resolved' | 'note';
  readonly severity: AlarmSeverity;
  /** One line. */
  readonly title: string;
  /** The worst first, the newest of each first; at most `mostItems`. */
  readonly items: readonly MessageItem[];
  /** How many more there are. */
  readonly more: number;
  readonly at: Date;
  /** Of what is shown. */
  readonly attachments: readonly AlarmAttachment[];
  /** The same for all messages of one recovery, so that a receiver can keep them together. 32 hex digits. */
  readonly thread?: string;
}

export const mostItems = 20;
const states = { raised: 'open', repeated: 'still-open', resolved: 'resolved', note: 'note' } as const;
const order = ['open', 'still-open', 'resolved', 'note'];

/** @param notices at least one, of one route, in the order in which they came */
export function composeMessage(notices: readonly Notice[], { host, now }: { readonly host: string; readonly now: Date }): Message {
  const all = latestOf(notices)
    .map(itemOf)
    .toSorted(
      (a, b) =>
        alarmSeverities.indexOf(b.severity) - alarmSeverities.indexOf(a.severity) ||
        order.indexOf(a.state) - order.indexOf(b.state) ||
        b.at.getTime() - a.at.getTime(),
    );
  const open = all.filter(({ state }) => state === 'open' || state === 'still-open');
  const resolved = all.filter(({ state }) => state === 'resolved');
  const state = open.length > 0 ? 'open' : resolved.length > 0 ? 'resolved' : 'note';
  const leading = open[0] ?? resolved[0] ?? all[0];
  const application = notices[0]?.alarm.application ?? '';
  const ids = notices.map(({ id }) => id).toSorted();
  const thread = threadOf(all);
  return {
    id: hashOf(ids.join('\n')),
    application,
    host,
    state,
    severity: leading?.severity ?? 'info',
    title: `${wordOf(state, leading?.severity ?? 'info')}${application}: ${all.length === 1 ? (leading?.title ?? '') : countUp(open, resolved, all)}`,
    items: all.slice(0, mostItems),
    more: Math.max(0, all.length - mostItems),
    at: now,
    attachments: notices.flatMap(({ alarm: { attachment } }) => (attachment === undefined ? [] : [attachment])).slice(0, mostItems),
    ...(thread === undefined ? {} : { thread: hashOf(thread) }),
  };
}

function threadOf(items: readonly MessageItem[]): string | undefined {
  const [first] = items;
  return first?.event === 'recovery' && items.every(({ key }) => key === first.key) ? first.key : undefined;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Of each alarm only how it is now: one that came and went while nothing could be sent is over. */
function latestOf(notices: readonly Notice[]): readonly Notice[] {
  return notices.filter(
    ({ what, alarm }, index) =>
      what === 'note' || !notices.slice(index + 1).some((later) => later.what !== 'note' && later.alarm.key === alarm.key),
  );
}

function wordOf(state: Message['state'], severity: AlarmSeverity): string {
  if (state === 'note') return '';
  return state === 'resolved' ? '[RESOLVED] ' : `[${severity.toUpperCase()}] `;
}

function countUp(open: readonly MessageItem[], resolved: readonly MessageItem[], all: readonly MessageItem[]): string {
  const notes = all.length - open.length - resolved.length;
  const first = (open[0] ?? resolved[0] ?? all[0])?.title ?? '';
  const counts = [
    ...(open.length === 0 ? [] : [`${open.length} open`]),
    ...(resolved.length === 0 ? [] : [`${resolved.length} resolved`]),
    ...(notes === 0 ? [] : [`${notes} ${notes === 1 ? 'note' : 'notes'}`]),
  ];
  return `${first} (${counts.join(', ')})`;
}

function itemOf({ what, alarm, since, end, queued }: Notice): MessageItem {
  const { key, event, severity, component, title, text, facts, at }: Alarm = alarm;
  return {
    state: states[what],
    key,
    event,
    severity,
    ...(component === undefined ? {} : { component }),
    title,
    text: what === 'resolved' ? (end ?? '') : text,
    facts,
    at: what === 'resolved' ? queued : at,
    since,
  };
}

/** What is said above an item: `still open since 2026-11-20 03:12 UTC`. */
export function headOf({ state, severity, since, at }: MessageItem): string {
  if (state === 'note') return formatMoment(at);
  if (state === 'resolved') return `resolved ${formatMoment(at)}, was ${severity} since ${formatMoment(since)}`;
  return `${severity}, ${state === 'still-open' ? 'still open, ' : ''}since ${formatMoment(since)}`;
}

/** Plain text, for whatever has no form of its own. */
export function textOf(message: Message): string {
  const parts = message.items.map((item) =>
    [
      item.title,
      headOf(item),
      ...(item.text === '' ? [] : ['', item.text]),
      ...(Object.keys(item.facts).length === 0 ? [] : ['']),
      ...Object.entries(item.facts).map(([name, value]) => `  ${name}: ${value}`),
    ].join('\n'),
  );
  return [...parts, ...(message.more === 0 ? [] : [`and ${message.more} more; see: holdfast status`]), signatureOf(message)].join('\n\n');
}

export function signatureOf({ host, application }: Message): string {
  return `holdfast on ${host}, for ${application}`;
}

function formatMoment(moment: Date): string {
  return `${moment.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
