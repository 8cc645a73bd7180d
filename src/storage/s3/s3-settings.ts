/** What the address, the options and the environment say of an S3 bucket, put together and checked. */
import { refusal, type S3Address } from '../storage-address.ts';
import type { StorageEnvironment, StorageOptions } from '../storage-options.ts';

export interface S3Settings {
  /** The address without secrets, in a form that can be used again. */
  readonly location: string;
  /** Undefined: Amazon's own, which follows from the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** `HOST/BUCKET` and not `BUCKET.HOST`. */
  readonly pathStyle: boolean;
  readonly storageClass: string | undefined;
  readonly encryption: S3Encryption | undefined;
}

export interface S3Encryption {
  readonly algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse';
  readonly kmsKeyId: string | undefined;
}

const parameterNames = ['region', 'style', 'storage-class', 'sse', 'sse-kms-key-id'];

/**
 * The settings for a bucket. An endpoint may also come from AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, a region from AWS_REGION or
 * AWS_DEFAULT_REGION; what the address says goes before.
 * @throws `storage-url`
 */
export function readS3Settings(address: S3Address, options: StorageOptions, environment: StorageEnvironment): S3Settings {
  const { parameters, bucket, prefix } = address;
  const given = address.endpoint ?? endpointOf(environment);
  const place = prefix === '' ? bucket : `${bucket}/${prefix}`;
  const location = given === undefined ? `s3://${place}` : `s3:${given}/${place}`;
  const unknown = Object.keys(parameters).find((name) => !parameterNames.includes(name));
  if (unknown !== undefined)
    throw refusal(location, `"${unknown}" is no parameter of S3: there are endpoint, ${parameterNames.join(', ')}`);
  const style = parameters['style'] ?? 'auto';
  if (!/^(auto|path|virtual)$/.test(style)) throw refusal(location, `style=${style} is neither path nor virtual`);
  const isAmazons = given === undefined || isAmazonHost(given);
  return {
    location,
    endpoint: given === 'https://s3.amazonaws.com' ? undefined : given,
    region: parameters['region'] ?? regionOf(given, environment),
    pathStyle: style === 'auto' ? !isAmazons : style === 'path',
    storageClass: options.storageClass ?? parameters['storage-class'],
    encryption: readEncryption(location, parameters['sse'], parameters['sse-kms-key-id']),
  };
}

function readEncryption(location: string, algorithm: string | undefined, kmsKeyId: string | undefined): S3Encryption | undefined {
  if (kmsKeyId !== undefined && algorithm?.startsWith('aws:kms') !== true) throw refusal(location, 'sse-kms-key-id wants sse=aws:kms');
  switch (algorithm) {
    case undefined:
      return undefined;
    case 'AES256':
    case 'aws:kms':
    case 'aws:kms:dsse':
      return { algorithm, kmsKeyId };
    default:
      throw refusal(location, `sse=${algorithm} is neither AES256 nor aws:kms`);
  }
}

/** The endpoint that the environment names. Throws `storage-url`. */
export function endpointOf(environment: StorageEnvironment): string | undefined {
  const text = environment['AWS_ENDPOINT_URL_S3'] || environment['AWS_ENDPOINT_URL'];
  if (text === undefined || text === '') return undefined;
  const parsed = URL.parse(text);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '')
    throw refusal('s3:', 'AWS_ENDPOINT_URL is no https://HOST:PORT');
  return parsed.origin;
}

function isAmazonHost(endpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

/** Signatures name a region, and the host of an endpoint often tells which it expects. */
function regionOf(endpoint: string | undefined, environment: StorageEnvironment): string {
  const host = endpoint === undefined ? '' : new URL(endpoint).hostname;
  const amazons = /(?:^|\.)s3[.-](?:dualstack\.|fips\.)?([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:vpce\.)?amazonaws\.com/.exec(host)?.[1];
  const others = /^s3\.([a-z0-9-]+)\.[a-z0-9-]+\.[a-z]+$/.exec(host)?.[1];
  return amazons || environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || others || 'us-east-1';
}
