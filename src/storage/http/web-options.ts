/** What drivers that speak HTTP understand alike. */
import { readFile } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { AddressParameters } from '../storage-address.ts';
import { refusal } from '../storage-address.ts';
import type { StorageEnvironment } from '../storage-options.ts';

/** The value of the first of these names that is set and not empty. */
export function lookUp(environment: StorageEnvironment, ...names: readonly string[]): string | undefined {
  return names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
}

/** Refuses a parameter behind the `?` that means nothing to a driver: a misspelt one must not pass unnoticed. Throws `storage-url`. */
export function assertParameters(location: string, parameters: AddressParameters, known: readonly string[]): void {
  const stranger = Object.keys(parameters).find((name) => !known.includes(name));
  if (stranger !== undefined) throw refusal(location, `"${stranger}" is no parameter of it (known: ${known.join(', ')})`);
}

/** `endpoint=` as a URL without a slash at its end. Throws `storage-url`. */
export function parseEndpoint(location: string, text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '')
    throw refusal(location, 'its endpoint is no https://HOST:PORT');
  return url;
}

/** True where nobody else can listen: a name or an address of this machine. */
export function isLoopback(url: URL): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}

/** The certificate authority that `RESTIC_CACERT` names. Throws `storage-setup`. */
export async function readAuthority(location: string, environment: StorageEnvironment): Promise<string | undefined> {
  const path = lookUp(environment, 'RESTIC_CACERT');
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new HoldfastError(
      'storage-setup',
      { location, reason: `RESTIC_CACERT cannot be read (${reasonOf(error)})`, help: 'Name a file with certificates in PEM' },
      error,
    );
  }
}
