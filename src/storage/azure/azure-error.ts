/** What Azure refused, as one of our errors. */
import { HoldfastError } from '../../errors.ts';
import type { FailedAccess, StorageAction } from '../file-error.ts';
import { networkFailure } from '../http/network-failure.ts';

/** What the server said: its word for it (`BlobNotFound`), or an empty one, and the HTTP status. */
export interface AzureAnswer {
  readonly code: string;
  readonly status: number;
}

/** The refusal inside what the SDK threw; undefined where no server answered. */
export function answerOf(error: unknown): AzureAnswer | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const details = 'details' in error && typeof error.details === 'object' && error.details !== null ? error.details : {};
  const detailed = 'errorCode' in details && typeof details.errorCode === 'string' ? details.errorCode : code;
  return { code: /^[A-Za-z0-9]{1,80}$/.test(detailed) ? detailed : '', status: error.statusCode };
}

/* What a shared access signature, or a role, must allow. */
const rights: Readonly<Record<StorageAction, string>> = {
  create: 'container: create (SAS: resource type container, permission c)',
  read: 'read (SAS: r)',
  write: 'create and write (SAS: c and w)',
  list: 'list (SAS: resource type container, permission l)',
  remove: 'delete (SAS: d)',
};

/**
 * The HoldfastError for whatever a call of the SDK threw. The error of the SDK is not kept as the cause: it holds the address with the signature.
 * @param ifAbsent whether a taken key was to be refused
 */
export function toAzureError(error: unknown, access: FailedAccess, host: string, ifAbsent = false): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const answer = answerOf(error);
  if (answer === undefined) return networkFailure(error, access, host);
  const cause = new Error(`Azure answered ${answer.status} ${answer.code}`.trim());
  const { key, location, action } = access;
  if (action === 'write' && ifAbsent && isTaken(answer)) return new HoldfastError('storage-exists', { key, location }, cause);
  const setup = setupOf(answer);
  if (setup !== undefined) return new HoldfastError('storage-setup', { location, ...setup }, cause);
  const refused = refusalOf(answer, access);
  if (refused !== undefined) return new HoldfastError('storage-refused', { action, key, location, ...refused }, cause);
  if (answer.status === 404 && action === 'read') return new HoldfastError('storage-missing', { key, location }, cause);
  if (answer.status === 507) return new HoldfastError('storage-full', { location }, cause);
  return new HoldfastError(
    'storage-failed',
    { action, key, location, reason: `${host} answered ${answer.status} ${answer.code}`.trim() },
    cause,
  );
}

/** A signature that may only create says of a taken key that it must not overwrite it. */
function isTaken({ code, status }: AzureAnswer): boolean {
  return code === 'BlobAlreadyExists' || code === 'UnauthorizedBlobOverwrite' || status === 412;
}

interface Remedy {
  readonly reason: string;
  readonly help: string;
}

function setupOf({ code, status }: AzureAnswer): Remedy | undefined {
  switch (code) {
    case 'ContainerNotFound':
      return { reason: 'there is no such container', help: 'Check the name; "holdfast repo init" makes the container, if the key may' };
    case 'ContainerDisabled':
    case 'AccountIsDisabled':
      return { reason: 'the account or the container is disabled', help: 'Enable it in the Azure portal' };
    case 'AuthenticationFailed':
    case 'InvalidAuthenticationInfo':
    case 'NoAuthenticationInformation':
      return {
        reason: `the server does not accept the key, the signature or the token (${code})`,
        help: 'Check AZURE_ACCOUNT_KEY or AZURE_ACCOUNT_SAS, whether the signature has expired, and the clock of this machine',
      };
    case 'AuthorizationFailure':
      return {
        reason: 'the server does not let this key, or this machine, in (AuthorizationFailure)',
        help: 'Check AZURE_ACCOUNT_KEY or AZURE_ACCOUNT_SAS, and whether the firewall of the account lets this machine in',
      };
    case 'AuthorizationSourceIPMismatch':
    case 'AuthorizationProtocolMismatch':
      return {
        reason: `the signature is not for this way to the server (${code})`,
        help: 'Make a signature for the address of this machine, and for https',
      };
    case 'KeyBasedAuthenticationNotPermitted':
      return { reason: 'the account takes no keys', help: 'Log in with a token of Microsoft Entra (AZURE_TENANT_ID, AZURE_CLIENT_ID …)' };
    case 'InvalidResourceName':
    case 'InvalidUri':
      return { reason: 'its name is none that Azure has', help: 'Check the names of the container and the account' };
    default:
      return status === 401
        ? { reason: 'the server wants another kind of login', help: 'Check AZURE_ACCOUNT_KEY or AZURE_ACCOUNT_SAS' }
        : undefined;
  }
}

function refusalOf({ code, status }: AzureAnswer, { action }: FailedAccess): Remedy | undefined {
  switch (code) {
    case 'BlobArchived':
    case 'BlobBeingRehydrated':
      return {
        reason: code === 'BlobArchived' ? 'it lies in the archive tier' : 'it is being brought back from the archive tier',
        help: 'Run the command with --retrieve standard, which asks for what it needs and waits; docs/azure.md tells what that costs',
      };
    case 'BlobImmutableDueToPolicy':
    case 'BlobImmutableDueToLegalHold':
      return { reason: 'a policy or a legal hold of the container keeps it as it is', help: 'Wait until the policy lets go of it' };
    case 'UnauthorizedBlobOverwrite':
      return { reason: 'it is there, and the signature may not overwrite', help: 'Use a signature that may write (SAS: w)' };
    case 'LeaseIdMissing':
      return { reason: 'somebody holds a lease on it', help: 'Break the lease: az storage blob lease break …' };
    case 'SnapshotsPresent':
      return { reason: 'it has snapshots', help: 'Delete those first' };
    default:
  }
  if (status === 403)
    return { reason: `access is denied${code === '' ? '' : ` (${code})`}`, help: `The key needs the right to ${rights[action]}` };
  /* What the server does not understand it will not understand a second time either; but see 408, 409, 412 and 429. */
  const isForGood = status >= 400 && status < 500 && ![404, 408, 409, 412, 429].includes(status);
  const isDamage = code === 'Md5Mismatch' || code === 'InvalidBlockList' || code === 'InvalidBlobOrBlock';
  if (isForGood && !isDamage)
    return { reason: `the server answered ${status} ${code}`.trim(), help: 'See what that means in the documentation of Azure Storage' };
  return undefined;
}
