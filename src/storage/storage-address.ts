/** What the address of a repository says: our own forms, and those that restic understands. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError, reasonOf } from '../errors.ts';

export type StorageAddress = LocalAddress | S3Address | GcsAddress | AzureAddress | SftpAddress | RestAddress;

export interface LocalAddress {
  readonly scheme: 'local';
  /** Absolute. */
  readonly path: string;
}

/** What stands behind a `?`; a driver refuses names that it does not know. */
export type AddressParameters = Readonly<Record<string, string>>;

interface BucketAddress {
  /** Of a bucket or container. */
  readonly bucket: string;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  readonly parameters: AddressParameters;
}

export interface S3Address extends BucketAddress {
  readonly scheme: 's3';
  /** `https://host:port`, where the address or its `endpoint` parameter names one. */
  readonly endpoint?: string;
}

export interface GcsAddress extends BucketAddress {
  readonly scheme: 'gs';
}

export interface AzureAddress extends BucketAddress {
  readonly scheme: 'azure';
}

export interface SftpAddress {
  readonly scheme: 'sftp';
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  /** Absolute, or relative to the folder that the server puts the user in. */
  readonly path: string;
  readonly parameters: AddressParameters;
}

export interface RestAddress {
  readonly scheme: 'rest';
  /** Without user and password, with a slash at its end. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
}

/* At least two letters: `C:\backups` is a path. */
const schemeForm = /^([a-z][a-z0-9+.-]+):(.*)$/is;

const elsewhere: Readonly<Record<string, string>> = {
  b2: 'Backblaze is reached by its S3 address: s3://BUCKET/PREFIX?endpoint=https://s3.REGION.backblazeb2.com',
  swift: 'OpenStack Swift is reached by its S3 address: s3://BUCKET/PREFIX?endpoint=https://HOST',
  rclone: 'rclone is reached through its own server: run "rclone serve restic", then rest:http://HOST:PORT/',
  http: 'a REST server is written rest:http://HOST/',
  https: 'a REST server is written rest:https://HOST/, an S3 store s3://BUCKET/PREFIX?endpoint=https://HOST',
};

/**
 * Reads an address. Nothing is touched.
 * @param url a path (a relative one is resolved now, `~` is not expanded), `file:///PATH`, `local:PATH`, `s3://BUCKET/PREFIX?endpoint=…`,
 *   `gs://BUCKET/PREFIX`, `azure://CONTAINER/PREFIX`, `sftp://USER@HOST/PATH`, `rest:https://HOST/`, and what restic writes for the same
 * @throws `storage-url`
 */
export function parseStorageAddress(url: string): StorageAddress {
  if (url.trim() === '') throw refusal(url, 'it is empty');
  if (url.includes('\0')) throw refusal(url, 'it holds a zero byte');
  const [, scheme, rest] = schemeForm.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return { scheme: 'local', path: resolve(url) };
  const name = scheme.toLowerCase();
  switch (name) {
    case 'local':
      if (rest === '') throw refusal(url, 'it names no folder');
      return { scheme: 'local', path: resolve(rest) };
    case 'file':
      return { scheme: 'local', path: parseFileUrl(url, rest) };
    case 's3':
      return parseS3(url, rest);
    case 'gs':
    case 'azure':
      return { scheme: name, ...parseBucket(url, rest) };
    case 'sftp':
      return parseSftp(url, rest);
    case 'rest':
      return parseRest(url, rest);
    default:
  }
  throw refusal(url, elsewhere[name] ?? `"${scheme}:" is no kind of address known here (a folder of that name is ./${scheme}:…)`);
}

/** Addresses may carry a user with a password, or keys as parameters: neither belongs in a message. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//***@').replace(/\?.*$/s, '?***');
}

export function refusal(url: string, reason: string): HoldfastError {
  return new HoldfastError('storage-url', { url: withoutSecrets(url), reason });
}

function parseFileUrl(url: string, rest: string): string {
  if (!rest.startsWith('//')) throw refusal(url, 'a file address begins with file:///');
  try {
    return fileURLToPath(new URL(url));
  } catch (error) {
    throw refusal(url, `it is no file address of this machine (${reasonOf(error)})`);
  }
}

/** `s3://BUCKET/PREFIX`, or with a host before the bucket, as restic writes it: `s3:https://HOST/BUCKET/PREFIX`, `s3:HOST/BUCKET`. */
function parseS3(url: string, rest: string): S3Address {
  const { body, parameters } = splitParameters(url, rest);
  const { endpoint: given, ...others } = parameters;
  const [, protocol, place] = /^(https?:\/\/)(.*)$/i.exec(body) ?? [];
  if (protocol !== undefined && place !== undefined) {
    const [host = '', ...path] = place.split('/');
    return {
      scheme: 's3',
      endpoint: readEndpoint(url, `${protocol.toLowerCase()}${host}`),
      ...bucketOf(url, path.join('/')),
      parameters: others,
    };
  }
  const isUrl = body.startsWith('//');
  const [first = '', ...path] = (isUrl ? body.slice(2) : body).split('/');
  const isHost = given === undefined && (!isUrl || isHostName(first));
  if (isHost)
    return { scheme: 's3', endpoint: readEndpoint(url, `https://${first}`), ...bucketOf(url, path.join('/')), parameters: others };
  return {
    scheme: 's3',
    ...(given === undefined ? {} : { endpoint: readEndpoint(url, given.includes('://') ? given : `https://${given}`) }),
    ...bucketOf(url, [first, ...path].join('/')),
    parameters: others,
  };
}

/** restic has hosts where we have buckets: what has a port, or is one of Amazon's names, is a host. */
function isHostName(text: string): boolean {
  return text.includes(':') || /(^|\.)amazonaws\.com(\.cn)?$/i.test(text);
}

function readEndpoint(url: string, text: string): string {
  const parsed = URL.parse(text);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.host === '')
    throw refusal(url, 'its endpoint is no https://HOST:PORT');
  return parsed.origin;
}

/** `//BUCKET/PREFIX`, or `BUCKET:/PREFIX` as restic writes it. */
function parseBucket(url: string, rest: string): BucketAddress {
  const { body, parameters } = splitParameters(url, rest);
  const place = body.startsWith('//') ? body.slice(2) : body.replace(/^([^:/]+):\/?/, '$1/');
  return { ...bucketOf(url, place), parameters };
}

function bucketOf(url: string, place: string): { readonly bucket: string; readonly prefix: string } {
  const [bucket = '', ...path] = place.split('/');
  if (bucket === '') throw refusal(url, 'it names no bucket');
  if (!/^[a-z0-9$][a-z0-9._-]{1,62}$/i.test(bucket)) throw refusal(url, `"${bucket}" is no name of a bucket`);
  const parts = path.filter((part) => part !== '');
  if (parts.some((part) => part === '.' || part === '..')) throw refusal(url, 'its path has "." or ".." in it');
  return { bucket, prefix: parts.join('/') };
}

/** `//USER@HOST:PORT/PATH` (`//PATH` for an absolute one), or `USER@HOST:PATH`, both as restic has them. */
function parseSftp(url: string, rest: string): SftpAddress {
  const { body, parameters } = splitParameters(url, rest);
  const [, user, host = '', port, path = ''] =
    /^\/\/(?:([^@/]+)@)?(\[[^\]]+\]|[^:/@]+)(?::(\d+))?(?:\/(.*))?$/s.exec(body) ?? shortSftp(body) ?? [];
  if (host === '' || path === '') throw refusal(url, 'it is not of the form sftp://USER@HOST/PATH (//PATH for an absolute one)');
  if (user?.includes(':') === true) throw refusal(url, 'a password does not belong in it: log in with a key');
  if (port !== undefined && !(Number(port) > 0 && Number(port) < 65_536)) throw refusal(url, `${port} is no port`);
  return {
    scheme: 'sftp',
    host: host.replace(/^\[(.*)\]$/, '$1'),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(user === undefined ? {} : { user: decode(url, user) }),
    path: path.replace(/(?<=.)\/+$/, ''),
    parameters,
  };
}

function shortSftp(body: string): (string | undefined)[] | undefined {
  const found = /^(?:([^@:/]+)@)?(\[[^\]]+\]|[^:/@]+):(.*)$/s.exec(body);
  return found === null ? undefined : [found[0], found[1], found[2], undefined, found[3]];
}

function parseRest(url: string, rest: string): RestAddress {
  const parsed = URL.parse(rest);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) throw refusal(url, 'a REST server is written rest:https://HOST:PORT/PATH/');
  if (parsed.search !== '' || parsed.hash !== '') throw refusal(url, 'a REST address has no parameters');
  const path = parsed.pathname.endsWith('/') ? parsed.pathname : `${parsed.pathname}/`;
  return {
    scheme: 'rest',
    url: `${parsed.origin}${path}`,
    ...(parsed.username === '' ? {} : { user: decode(url, parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decode(url, parsed.password) }),
  };
}

function splitParameters(url: string, rest: string): { readonly body: string; readonly parameters: AddressParameters } {
  const at = rest.indexOf('?');
  if (at === -1) return { body: rest, parameters: {} };
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rest.slice(at + 1))) {
    if (Object.hasOwn(parameters, name)) throw refusal(url, `"${name}" stands in it twice`);
    parameters[name] = value;
  }
  return { body: rest.slice(0, at), parameters };
}

function decode(url: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal(url, 'its user is not written as a URL wants it');
  }
}
