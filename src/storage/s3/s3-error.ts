import { HoldfastError, reasonOf } from '../../errors.ts';
import type { FailedAccess, StorageAction } from '../file-error.ts';

/** What was being done with which object, and the right that a key needs for it. */
export interface S3Access extends Omit<FailedAccess, 'action'> {
  readonly action: StorageAction | 'lock' | 'retrieve';
  readonly bucket: string;
  readonly region: string;
  readonly storageClass: string | undefined;
  /** `s3:PutObject` and the like. */
  readonly right: string;
}

/** What the SDK tells of an answer that was an error. */
interface Refusal {
  readonly name: string;
  readonly message: string;
  readonly status: number;
  readonly region: string | undefined;
}

/** True for a call whose answer had this status, also inside one of our errors. */
export function hasStatus(error: unknown, status: number): boolean {
  const inner = error instanceof HoldfastError ? error.cause : error;
  return readRefusal(inner)?.status === status;
}

/** True for an answer that carried this name of an error, also inside one of our errors. */
export function hasName(error: unknown, ...names: readonly string[]): boolean {
  const name = readRefusal(error instanceof HoldfastError ? error.cause : error)?.name;
  return name !== undefined && names.includes(name);
}

/** The HoldfastError for whatever a request threw. A HoldfastError passes as it is. */
export function toS3Error(error: unknown, access: S3Access): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const refusal = readRefusal(error);
  const found = refusal === undefined ? explainConnection(error, access) : explainRefusal(refusal, access);
  return new HoldfastError(found.code, found.details, error);
}

type Explanation = Pick<HoldfastError, 'code' | 'details'>;

function explainRefusal(refusal: Refusal, access: S3Access): Explanation {
  const { name, status } = refusal;
  const { action, key, location, bucket } = access;
  if (isPassing(refusal)) return failed(access, `the server answers ${name === String(status) ? status : `${name} (${status})`}`);
  switch (name) {
    case 'NoSuchBucket':
      return setup(access, `there is no bucket "${bucket}"`, `Create it, or check its name, the endpoint and the region`);
    case 'NoSuchKey':
    case 'NoSuchVersion':
      return { code: 'storage-missing', details: { key, location } };
    case 'PermanentRedirect':
    case 'TemporaryRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return wrongRegion(refusal, access);
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
    case 'InvalidToken':
    case 'ExpiredToken':
    case 'TokenRefreshRequired':
    case 'InvalidSecurity':
      return setup(access, credentialReasons[name] ?? name, 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN');
    case 'RequestTimeTooSkewed':
      return setup(access, 'the clock of this machine is not that of the server', 'Set it right (NTP)');
    case 'QuotaExceeded':
      return { code: 'storage-quota', details: { location } };
    case 'InsufficientCapacity':
    case 'XMinioStorageFull':
    case 'EntityTooLarge':
      return { code: 'storage-full', details: { location } };
    case 'InvalidObjectState':
      return refused(
        access,
        'the object lies in an archive class',
        'Run the command with --retrieve standard, which asks for what it needs and waits; docs/s3.md tells what that costs',
      );
    case 'InvalidArgument':
    case 'InvalidStorageClass':
      if (action !== 'write' || access.storageClass === undefined) break;
      return setup(access, `the storage class "${access.storageClass}" is not known there`, 'Choose another storage class');
    case 'PreconditionFailed':
      return { code: 'storage-exists', details: { key, location } };
    default:
  }
  if (status === 507) return { code: 'storage-full', details: { location } };
  /* Amazon's words where the lock is one that could not be seen before. */
  if (status === 403 && action === 'remove' && /object lock/i.test(refusal.message))
    return { code: 'storage-locked', details: { key, location, until: 'its lock there ends' } };
  if (status === 401 || status === 403) return denied(access);
  /* An answer to HEAD has no name of an error. */
  const isElsewhere = refusal.region !== undefined && refusal.region !== access.region;
  if (status === 301 || status === 307 || (status === 400 && isElsewhere)) return wrongRegion(refusal, access);
  if (status === 404 && action === 'read') return { code: 'storage-missing', details: { key, location } };
  const said = refusal.message === '' || refusal.message === 'UnknownError' ? '' : `: ${refusal.message.replace(/\.$/, '')}`;
  return refused(access, `the server answers ${name} (${status})${said}`, 'Check the address and what the server can do');
}

const credentialReasons: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'the access key is not known there',
  SignatureDoesNotMatch: 'the secret key does not belong to the access key',
  ExpiredToken: 'the session token has expired',
};

/* What another attempt may change: 4xx among them are answers to a request that was damaged or slow on its way. */
const passingNames = new Set([
  'SlowDown',
  'RequestTimeout',
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  'ConditionalRequestConflict',
  'OperationAborted',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
]);

function isPassing({ name, status }: Refusal): boolean {
  return passingNames.has(name) || status === 429 || (status >= 500 && status !== 501 && status !== 507);
}

function wrongRegion(refusal: Refusal, access: S3Access): Explanation {
  const region = refusal.region ?? /expecting '([^']+)'/.exec(refusal.message)?.[1];
  const help =
    region === undefined
      ? 'Set AWS_REGION to the region of the bucket'
      : `Set AWS_REGION=${region}, or add ?region=${region} to the address`;
  return setup(access, `the bucket lies in another region${region === undefined ? '' : ` (${region})`}`, help);
}

function denied(access: S3Access): Explanation {
  const place = /^s3:(?:List|Create)Bucket$/.test(access.right) ? `the bucket ${access.bucket}` : `${access.bucket}/*`;
  return refused(
    access,
    `access is denied; the key needs ${access.right} on ${place}`,
    'Give the key that right; docs/s3.md has a whole policy',
  );
}

/* What the certificates of Node's TLS are refused for. */
const certificateFailure = /^(?:CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

function explainConnection(error: unknown, access: S3Access): Explanation {
  const reason = reasonOf(error).split('\n')[0] ?? '';
  const name = error instanceof Error ? error.name : '';
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (name === 'CredentialsProviderError')
    return setup(access, 'no credentials were found', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE');
  if (certificateFailure.test(code))
    return setup(
      access,
      `the certificate of the server is not trusted (${reason})`,
      'For a certificate of your own, set NODE_EXTRA_CA_CERTS',
    );
  if (code === 'EPROTO')
    return setup(access, 'the server does not speak TLS there', 'Check the port, and whether the endpoint is http or https');
  /* The SDK calls some of these time-outs. */
  if (code === 'ECONNRESET' || code === 'EPIPE') return failed(access, 'the connection was cut');
  if (name === 'TimeoutError') return failed(access, 'the server does not answer');
  return failed(access, reason === '' ? code || name : reason);
}

function setup({ location }: S3Access, reason: string, help: string): Explanation {
  return { code: 'storage-setup', details: { location, reason, help } };
}

function refused({ action, key, location }: S3Access, reason: string, help: string): Explanation {
  return { code: 'storage-refused', details: { action, key, location, reason, help } };
}

function failed({ action, key, location }: S3Access, reason: string): Explanation {
  return { code: 'storage-failed', details: { action, key, location, reason } };
}

/** An error of the service has `$fault`; what could not be parsed has a status too, and is no answer of it. */
function readRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('$fault' in error) || !('$metadata' in error)) return undefined;
  const status = numberIn(error.$metadata, 'httpStatusCode') ?? 0;
  const response: unknown = '$response' in error ? error.$response : undefined;
  const headers: unknown = typeof response === 'object' && response !== null && 'headers' in response ? response.headers : undefined;
  const region = stringIn(error, 'Region') ?? stringIn(headers, 'x-amz-bucket-region');
  return { name: error.name, message: error.message, status, region };
}

function numberIn(value: unknown, name: string): number | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'number' ? found : undefined;
}

function stringIn(value: unknown, name: string): string | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'string' ? found : undefined;
}
