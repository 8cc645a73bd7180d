/** A bucket as the address, the options and the environment describe it. */
import { createTimedAgent, type TimeLimits } from '../http/timed-agent.ts';
import { assertParameters, isLoopback, lookUp, parseEndpoint, readAuthority } from '../http/web-options.ts';
import { refusal, type GcsAddress } from '../storage-address.ts';
import { defaultConnections, type StorageEnvironment, type StorageOptions } from '../storage-options.ts';
import type { GcsPlace } from './gcs-requests.ts';
import { anonymous, createTokenSource } from './gcs-token.ts';

/** What tests change. */
export interface GcsTuning {
  readonly limits?: TimeLimits;
  /** Objects that one answer of a listing holds, at most 1000. */
  readonly pageSize?: number;
}

export interface GcsSettings extends GcsPlace {
  readonly location: string;
  /** Of every object's name: empty, or with a slash at its end. */
  readonly prefix: string;
  readonly storageClass: string | undefined;
  readonly project: string | undefined;
  /** Where a bucket is made. */
  readonly region: string | undefined;
  readonly pageSize: number;
}

/** Nothing is touched yet. Throws `storage-url` and `storage-setup`. */
export async function readGcsSettings(address: GcsAddress, options: StorageOptions, tuning: GcsTuning): Promise<GcsSettings> {
  const location = `gs://${address.bucket}${address.prefix === '' ? '' : `/${address.prefix}`}`;
  assertParameters(location, address.parameters, ['endpoint', 'location']);
  if (options.lock !== undefined)
    throw refusal(location, 'locks are not made on Google Cloud Storage; give the bucket a retention policy there');
  if (options.asOf !== undefined) throw refusal(location, 'earlier versions are not read on Google Cloud Storage');
  const environment = options.environment ?? process.env;
  const { endpoint, isEmulator } = readEndpoint(address, location, environment);
  const authority = await readAuthority(location, environment);
  const agent = createTimedAgent({
    protocol: endpoint.protocol === 'http:' ? 'http:' : 'https:',
    connections: options.connections ?? defaultConnections,
    environment: isLoopback(endpoint) ? {} : environment,
    ...(authority === undefined ? {} : { authority }),
    ...(tuning.limits === undefined ? {} : { limits: tuning.limits }),
  });
  const token = isEmulator ? anonymous : createTokenSource({ location, environment, ...(authority === undefined ? {} : { authority }) });
  return {
    endpoint,
    bucket: address.bucket,
    agent,
    token,
    location,
    prefix: address.prefix === '' ? '' : `${address.prefix}/`,
    storageClass: readClass(location, options.storageClass),
    project: lookUp(environment, 'GOOGLE_PROJECT_ID', 'GOOGLE_CLOUD_PROJECT'),
    region: address.parameters['location'],
    pageSize: tuning.pageSize ?? 1000,
  };
}

/** Google's own address, or another. Tokens travel by https only, or on this machine; an emulator gets none. */
function readEndpoint(
  address: GcsAddress,
  location: string,
  environment: StorageEnvironment,
): { readonly endpoint: URL; readonly isEmulator: boolean } {
  const emulator = lookUp(environment, 'STORAGE_EMULATOR_HOST');
  const given = address.parameters['endpoint'];
  if (given === undefined && emulator !== undefined) {
    return { endpoint: parseEndpoint(location, emulator.includes('://') ? emulator : `http://${emulator}`), isEmulator: true };
  }
  const endpoint = parseEndpoint(location, given ?? 'https://storage.googleapis.com');
  if (endpoint.protocol === 'http:' && !isLoopback(endpoint))
    throw refusal(location, 'credentials are not sent over http: use https, or STORAGE_EMULATOR_HOST for an emulator');
  return { endpoint, isEmulator: false };
}

function readClass(location: string, storageClass: string | undefined): string | undefined {
  if (storageClass === undefined) return undefined;
  const known = ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'];
  const name = storageClass.toUpperCase();
  if (!known.includes(name)) throw refusal(location, `"${storageClass}" is no storage class (${known.join(', ')})`);
  return name;
}
