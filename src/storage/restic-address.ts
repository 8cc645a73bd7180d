import { endpointOf } from './s3/s3-settings.ts';
import { parseStorageAddress } from './storage-address.ts';
import type { StorageEnvironment } from './storage-options.ts';

/** The same place as restic writes it, without user and password of a REST server. Throws `storage-url`. */
export function resticAddress(url: string): string {
  const address = parseStorageAddress(url);
  switch (address.scheme) {
    case 'local':
      return address.path;
    case 's3':
      return `s3:${address.endpoint ?? 'https://s3.amazonaws.com'}/${address.bucket}${below(address.prefix)}`;
    case 'gs':
    case 'azure':
      return `${address.scheme}:${address.bucket}:${below(address.prefix) || '/'}`;
    case 'sftp': {
      const { user, host, port, path } = address;
      return `sftp://${user === undefined ? '' : `${encodeURIComponent(user)}@`}${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}/${path}`;
    }
    case 'rest':
      return `rest:${address.url}`;
  }
}

/** The address as it was given, without user and password of a REST server: all that may hold a secret. Throws `storage-url`. */
export function publicAddress(url: string): string {
  const address = parseStorageAddress(url);
  return address.scheme === 'rest' ? `rest:${address.url}` : url;
}

/** The address with what only the environment says of the place, so that it is the same on another machine. Throws `storage-url`. */
export function completeAddress(url: string, environment: StorageEnvironment): string {
  const address = parseStorageAddress(url);
  if (address.scheme !== 's3' || address.endpoint !== undefined) return url;
  const endpoint = endpointOf(environment);
  return endpoint === undefined ? url : `${url}${url.includes('?') ? '&' : '?'}endpoint=${endpoint}`;
}

function below(prefix: string): string {
  return prefix === '' ? '' : `/${prefix}`;
}
