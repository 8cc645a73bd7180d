/** Which account of Azure is meant, and what opens it. */
import { HoldfastError } from '../../errors.ts';
import { readEnvironmentSecret } from '../environment-secret.ts';
import { isLoopback, lookUp, parseEndpoint } from '../http/web-options.ts';
import { refusal, type AzureAddress } from '../storage-address.ts';
import type { StorageEnvironment } from '../storage-options.ts';

export interface AzureAccount {
  /** The address of the account's blobs, without a slash at its end and without a signature. */
  readonly endpoint: URL;
  readonly credential: AzureCredential;
}

export type AzureCredential =
  | { readonly kind: 'key'; readonly name: string; readonly key: string }
  /** A shared access signature, without a leading `?`. */
  | { readonly kind: 'signature'; readonly signature: string }
  /** Of Microsoft Entra: fetched when it is needed. */
  | { readonly kind: 'token' };

const publicSuffix = 'core.windows.net';

/**
 * The account that the address and the environment name: `AZURE_ACCOUNT_NAME` with `AZURE_ACCOUNT_KEY` or `AZURE_ACCOUNT_SAS` (as restic has them; also the names
 * of Azure's own command line), else `AZURE_STORAGE_CONNECTION_STRING`, else a token.
 * Each of the secrets may lie in a file instead, which the name with `_FILE` names.
 * @throws `storage-setup` where no account is named or what opens it is malformed; `storage-url`
 */
export function readAzureAccount(address: AzureAddress, location: string, environment: StorageEnvironment): AzureAccount {
  const named = address.parameters['account'] ?? lookUp(environment, 'AZURE_ACCOUNT_NAME', 'AZURE_STORAGE_ACCOUNT');
  const secret = (...names: readonly string[]): string | undefined =>
    names.map((one) => readEnvironmentSecret(environment, one, location)?.trim()).find((value) => value !== undefined && value !== '');
  const key = secret('AZURE_ACCOUNT_KEY', 'AZURE_STORAGE_KEY');
  const signature = secret('AZURE_ACCOUNT_SAS', 'AZURE_STORAGE_SAS_TOKEN');
  const text = secret('AZURE_STORAGE_CONNECTION_STRING');
  const parts = text === undefined || key !== undefined || signature !== undefined ? undefined : parseConnectionString(location, text);
  const name = named ?? parts?.get('accountname');
  const endpoint = readEndpoint(address, location, environment, name, parts);
  return {
    endpoint,
    credential: readCredential(location, endpoint, name, key ?? parts?.get('accountkey'), signature ?? parts?.get('sharedaccesssignature')),
  };
}

function readEndpoint(
  address: AzureAddress,
  location: string,
  environment: StorageEnvironment,
  name: string | undefined,
  parts: ReadonlyMap<string, string> | undefined,
): URL {
  const given = address.parameters['endpoint'] ?? parts?.get('blobendpoint');
  if (given !== undefined) {
    const url = parseEndpoint(location, given);
    /* A server that has no names for its accounts has them as the first part of its paths. */
    const isBare = url.pathname === '/' && (isLoopback(url) || /^[\d.]+$|^\[/.test(url.hostname));
    if (isBare && name !== undefined) url.pathname = `/${name}`;
    return url;
  }
  if (name === undefined) {
    throw setup(location, 'no account is named', 'Set AZURE_ACCOUNT_NAME, and AZURE_ACCOUNT_KEY or AZURE_ACCOUNT_SAS');
  }
  if (!/^[a-z0-9]{3,24}(-secondary)?$/.test(name))
    throw setup(location, `"${name.slice(0, 64)}" is no name of an account`, 'Check AZURE_ACCOUNT_NAME');
  const suffix = lookUp(environment, 'AZURE_ENDPOINT_SUFFIX') ?? parts?.get('endpointsuffix') ?? publicSuffix;
  return parseEndpoint(location, `https://${name}.blob.${suffix}`);
}

function readCredential(
  location: string,
  endpoint: URL,
  name: string | undefined,
  key: string | undefined,
  signature: string | undefined,
): AzureCredential {
  if (key !== undefined) {
    if (name === undefined) throw setup(location, 'there is a key and no name of an account', 'Set AZURE_ACCOUNT_NAME');
    if (!/^[a-z0-9+/]{40,}={0,2}$/i.test(key))
      throw setup(location, 'the account key is not of the form of one (base64)', 'Check AZURE_ACCOUNT_KEY');
    return { kind: 'key', name, key };
  }
  if (signature !== undefined) {
    const bare = signature.replace(/^\?/, '');
    if (!/(^|&)sig=[^&]/.test(bare)) throw setup(location, 'the shared access signature has no "sig=" in it', 'Check AZURE_ACCOUNT_SAS');
    return { kind: 'signature', signature: bare };
  }
  if (endpoint.protocol !== 'https:') throw refusal(location, 'a token is not sent over http: use https, or an account key');
  return { kind: 'token' };
}

function parseConnectionString(location: string, text: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const at = part.indexOf('=');
    if (at > 0) parts.set(part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim());
  }
  if (parts.has('accountkey') || parts.has('sharedaccesssignature')) return parts;
  throw setup(
    location,
    'the connection string has neither AccountKey nor SharedAccessSignature in it',
    'Copy AZURE_STORAGE_CONNECTION_STRING from "Access keys" of the account',
  );
}

function setup(location: string, reason: string, help: string): HoldfastError {
  return new HoldfastError('storage-setup', { location, reason, help });
}
