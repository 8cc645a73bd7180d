/** Notifications as they are written and what they mean, and back. */
import { resolve } from 'node:path';
import { formatDuration } from '../util/quantities.ts';
import type { NotifyConfiguration, NotifyEvent, NotifyTarget } from './notify-configuration.ts';
import { definedOnly } from './defined-only.ts';
import { readDuration } from './quantities.ts';
import { notifyKinds, type WrittenNotify } from './schema/notify.ts';
import { manyOf, someOf, understandSecret, type WrittenSecret } from './understand-shared.ts';

export function understandNotify(written: readonly WrittenNotify[], folder: string): readonly NotifyConfiguration[] {
  const taken = new Set(written.flatMap(({ name }) => (name === undefined ? [] : [name])));
  return written.map((each) => {
    const to = understandTarget(each, folder);
    const [from, until] = each.quiet?.split('-').map(minutesOf) ?? [];
    return {
      name: each.name ?? freeName(to.kind, taken),
      to,
      ...definedOnly({
        on: eventsOf(each.on),
        components: someOf(each.components),
        severity: each.severity,
        repeatMs: each.repeat === undefined ? undefined : readDuration(each.repeat),
      }),
      ...(from === undefined || until === undefined ? {} : { quiet: { from, to: until } }),
    };
  });
}

function freeName(kind: string, taken: Set<string>): string {
  let name = kind;
  for (let count = 2; taken.has(name); count++) name = `${kind}-${count}`;
  taken.add(name);
  return name;
}

function eventsOf(on: WrittenNotify['on']): readonly NotifyEvent[] | undefined {
  return typeof on === 'string' ? [on] : on;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

function understandTarget(written: WrittenNotify, folder: string): NotifyTarget {
  const secretOf = (value: WrittenSecret): ReturnType<typeof understandSecret> => understandSecret(value, folder);
  const { email, webhook, ntfy, alertmanager } = written;
  if (email !== undefined) return understandEmail(email, folder);
  if (webhook !== undefined) {
    if (typeof webhook === 'string' || !('url' in webhook)) return { kind: 'webhook', url: secretOf(webhook) };
    const { url, secret, headers } = webhook;
    return {
      kind: 'webhook',
      url: secretOf(url),
      ...(secret === undefined ? {} : { secret: secretOf(secret) }),
      ...(headers === undefined
        ? {}
        : { headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, secretOf(value)])) }),
    };
  }
  if (ntfy !== undefined) {
    if (typeof ntfy === 'string' || !('url' in ntfy)) return { kind: 'ntfy', url: secretOf(ntfy) };
    return { kind: 'ntfy', url: secretOf(ntfy.url), ...(ntfy.token === undefined ? {} : { token: secretOf(ntfy.token) }) };
  }
  if (alertmanager !== undefined) {
    if (typeof alertmanager === 'string' || !('url' in alertmanager)) return { kind: 'alertmanager', url: secretOf(alertmanager) };
    const { url, user, password, token } = alertmanager;
    return {
      kind: 'alertmanager',
      url: secretOf(url),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password: secretOf(password) }),
      ...(token === undefined ? {} : { token: secretOf(token) }),
    };
  }
  for (const kind of ['slack', 'teams', 'discord', 'healthcheck', 'uptime-kuma'] as const) {
    const url = written[kind];
    if (url !== undefined) return { kind, url: secretOf(url) };
  }
  throw new TypeError(`a validated notification is none of ${notifyKinds.join(', ')}`);
}

function understandEmail(email: NonNullable<WrittenNotify['email']>, folder: string): NotifyTarget {
  if (typeof email === 'string' || Array.isArray(email)) return { kind: 'email', recipients: manyOf(email) };
  const { to, from, server, user, password, tls, authority } = email;
  return {
    kind: 'email',
    recipients: manyOf(to),
    ...definedOnly({ from, server, user, tls }),
    ...(password === undefined ? {} : { password: understandSecret(password, folder) }),
    ...(authority === undefined ? {} : { authority: resolve(folder, authority) }),
  };
}

/** In the words of the file. */
export function writeNotify(routes: readonly NotifyConfiguration[]): readonly object[] {
  return routes.map(({ name, to, on, components, severity, repeatMs, quiet }) =>
    definedOnly({
      name,
      [to.kind]: writeTarget(to),
      on,
      components,
      severity,
      repeat: repeatMs === undefined ? undefined : formatDuration(repeatMs),
      quiet: quiet === undefined ? undefined : `${timeOf(quiet.from)}-${timeOf(quiet.to)}`,
    }),
  );
}

function writeTarget(to: NotifyTarget): object {
  if (to.kind === 'email') {
    const { kind: _, recipients, ...rest } = to;
    return { to: recipients, ...rest };
  }
  const { kind: _, ...rest } = to;
  return Object.keys(rest).length === 1 ? to.url : rest;
}

/** Minutes of the day as `22:00`. */
function timeOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
