/** Whether a route could be told something, without telling it anything: name, connection, certificate, login. */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecurely, TLSSocket } from 'node:tls';
import { reasonOf } from '../../errors.ts';
import { boundLine } from './bound-alarm.ts';
import type { Route, RouteTarget } from './route.ts';
import type { DeliveryLimits } from './send/deliver.ts';
import { scrub } from './send/delivery.ts';

export interface ReachedRoute {
  /** What was done, for people. */
  readonly what: string;
  /** When the certificate that it showed runs out. */
  readonly certificateUntil?: Date;
}

/** An address of the web is connected to and not asked for: to a receiver of pings that would be one. Throws a plain error without secrets. */
export async function reachRoute({ target }: Route, limits: DeliveryLimits): Promise<ReachedRoute> {
  if (target.kind !== 'email') return reachWeb(target, limits);
  const { tryMailServer } = await import('./send/send-mail.ts');
  await tryMailServer(target, limits);
  return { what: `${target.server} takes mail${target.user === undefined ? '' : ` from ${target.user}`}` };
}

async function reachWeb(target: Exclude<RouteTarget, { readonly kind: 'email' }>, limits: DeliveryLimits): Promise<ReachedRoute> {
  const text = (await target.url()).trim();
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error('its address is no http or https URL');
  const { protocol, hostname, port, host } = url;
  const at = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || (protocol === 'https:' ? 443 : 80)) };
  const socket =
    protocol === 'https:' ? connectSecurely({ ...at, ...(isIP(at.host) === 0 ? { servername: at.host } : {}) }) : connectPlain(at);
  try {
    await connected(socket, protocol === 'https:' ? 'secureConnect' : 'connect', limits);
    if (!(socket instanceof TLSSocket)) return { what: `${host} takes connections` };
    const until = new Date(socket.getPeerCertificate().valid_to);
    return { what: `${host} takes connections, with a certificate that is trusted`, certificateUntil: until };
  } catch (error) {
    throw new Error(boundLine(scrub(sayFailure(error), [text]), 300), { cause: error });
  } finally {
    socket.destroy();
  }
}

function connected(socket: Socket, event: 'connect' | 'secureConnect', { withinMs, signal }: DeliveryLimits): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`it did not answer within ${Math.round(withinMs / 1000)} s`)), withinMs);
  const stop = (): void => reject(new Error('it was interrupted'));
  signal?.addEventListener('abort', stop, { once: true });
  socket.once(event, resolve).on('error', reject);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  });
}

/** Several addresses of one host may have been tried. */
function sayFailure(error: unknown): string {
  return error instanceof AggregateError && error.errors.length > 0 ? reasonOf(error.errors[0]) : reasonOf(error);
}
