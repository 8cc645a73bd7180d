/** From what the configuration says of notifications to routes that can be sent to. */
import { hostname } from 'node:os';
import type { Configuration, Secret } from '../../config/configuration.ts';
import type { NotifyConfiguration, NotifyTarget } from '../../config/notify-configuration.ts';
import { readSecret, type SecretContext } from '../../config/read-secret.ts';
import type { Route, RouteTarget, SecretReader } from '../../observe/notify/route.ts';
import { isLoopback } from '../../observe/notify/send/loopback.ts';

/** Secrets are read when something is sent, and not before. */
export function notifyRoutes(configuration: Configuration, context: Omit<SecretContext, 'folder'>): readonly Route[] {
  const readerOf =
    (secret: Secret): SecretReader =>
    () =>
      readSecret(secret, { withinMs: 15_000, ...context, folder: configuration.folder });
  return (configuration.notify ?? []).map(({ to, ...rules }) => ({
    ...rules,
    target: targetOf(to, readerOf),
    address: describeTarget(to),
  }));
}

function targetOf(to: NotifyTarget, readerOf: (secret: Secret) => SecretReader): RouteTarget {
  switch (to.kind) {
    case 'email': {
      const { recipients, from, server = 'smtp://localhost', user, password, tls, authority } = to;
      return {
        kind: 'email',
        recipients,
        from: from ?? `holdfast@${hostOf(hostname())}`,
        server,
        tls: tls ?? (isLoopback(URL.parse(server)?.hostname ?? '') ? 'offered' : 'required'),
        ...(user === undefined ? {} : { user }),
        ...(password === undefined ? {} : { password: readerOf(password) }),
        ...(authority === undefined ? {} : { authority }),
      };
    }
    case 'webhook': {
      const { url, secret, headers } = to;
      return {
        kind: 'webhook',
        url: readerOf(url),
        ...(secret === undefined ? {} : { secret: readerOf(secret) }),
        ...(headers === undefined
          ? {}
          : { headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, readerOf(value)])) }),
      };
    }
    case 'ntfy':
      return { kind: 'ntfy', url: readerOf(to.url), ...(to.token === undefined ? {} : { token: readerOf(to.token) }) };
    case 'alertmanager': {
      const { url, user, password, token } = to;
      return {
        kind: 'alertmanager',
        url: readerOf(url),
        ...(user === undefined ? {} : { user }),
        ...(password === undefined ? {} : { password: readerOf(password) }),
        ...(token === undefined ? {} : { token: readerOf(token) }),
      };
    }
    case 'slack':
    case 'teams':
    case 'discord':
    case 'healthcheck':
    case 'uptime-kuma':
      return { kind: to.kind, url: readerOf(to.url) };
  }
}

/** For people: the address of a hook is as good as a password, so only its server is shown. */
function describeTarget(to: NotifyConfiguration['to']): string {
  if (to.kind === 'email') return to.recipients.join(', ');
  if ('env' in to.url) return `$${to.url.env}`;
  if ('file' in to.url) return `what ${to.url.file} says`;
  if ('command' in to.url) return 'what its command prints';
  const url = URL.parse(to.url.value);
  if (url === null) return '***';
  return `${url.origin}${to.kind === 'alertmanager' || url.pathname === '/' ? '' : '/…'}`;
}

/** A machine may have any name; a mail needs one that can stand in an address. */
function hostOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9.-]/g, '') || 'localhost';
}
