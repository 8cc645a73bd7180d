/** Where a Redis server is and how to log in: read from a URL, without ever showing the password. */
import { readFileSync } from 'node:fs';
import { HoldfastError, reasonOf } from '../../errors.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** Instead of host and port: the path of a Unix socket. */
  readonly socketPath?: string;
  readonly user?: string;
  readonly password?: string;
  readonly tls?: RedisTls;
}

export interface RedisTls {
  /** PEM texts; without `ca` the authorities of the system decide. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const defaultPort = 6379;

/**
 * Reads `redis://user:password@host:port`, `rediss://…` (TLS; `?cacert=FILE&cert=FILE&key=FILE` as redis-cli's options) or
 * `unix:///path`. A database number in it is ignored: a backup holds all of them. Throws `redis-url`, which never shows the URL.
 */
export function parseRedisUrl(text: string, password?: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new HoldfastError('redis-url', { reason: 'it is not a URL' });
  const login = {
    ...optional('user', decode(url.username)),
    ...optional('password', password ?? decode(url.password)),
  };
  if (url.protocol === 'unix:' || url.protocol === 'redis+unix:') {
    if (url.pathname === '') throw new HoldfastError('redis-url', { reason: 'it names no socket' });
    return { host: 'localhost', port: defaultPort, socketPath: decode(url.pathname), ...login };
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw new HoldfastError('redis-url', { reason: `"${url.protocol}" is none of redis:, rediss: and unix:` });
  if (url.hostname === '') throw new HoldfastError('redis-url', { reason: 'it names no host' });
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? defaultPort : Number(url.port),
    ...login,
    ...(url.protocol === 'rediss:' ? { tls: readTls(url.searchParams) } : {}),
  };
}

/** For people, without user and password. */
export function titleOfAddress(address: RedisAddress): string {
  return `Redis on ${address.socketPath ?? `${address.host}:${address.port}`}`;
}

function readTls(parameters: URLSearchParams): RedisTls {
  const read = (name: string): Buffer | undefined => {
    const file = parameters.get(name);
    if (file === null) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      throw new HoldfastError('redis-url', { reason: `its ${name} cannot be read (${reasonOf(error)})` }, error);
    }
  };
  const [ca, cert, key] = [read('cacert'), read('cert'), read('key')];
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function optional<Name extends string>(name: Name, value: string): { [key in Name]?: string } {
  return value === '' ? {} : ({ [name]: value } as { [key in Name]?: string });
}
