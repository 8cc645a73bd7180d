import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../errors.ts';
import { toAzureError } from './azure-error.ts';

/* As the SDK throws them. */
function thrown(statusCode: number, code: string): Error {
  return Object.assign(new Error('Server failed'), { statusCode, code, request: { url: 'https://account/container?sig=secret' } });
}

/* What Azurite never says. The words are those of Azure's documentation. */
describe('toAzureError', () => {
  it.each<[number, string, boolean, ErrorCode]>([
    [403, 'UnauthorizedBlobOverwrite', true, 'storage-exists'],
    [403, 'UnauthorizedBlobOverwrite', false, 'storage-refused'],
    [409, 'BlobAlreadyExists', true, 'storage-exists'],
    [412, 'ConditionNotMet', true, 'storage-exists'],
    [403, 'AuthenticationFailed', false, 'storage-setup'],
    [403, 'KeyBasedAuthenticationNotPermitted', false, 'storage-setup'],
    [403, 'AccountIsDisabled', false, 'storage-setup'],
    [401, '', false, 'storage-setup'],
    [409, 'BlobImmutableDueToPolicy', false, 'storage-refused'],
    [409, 'BlobBeingRehydrated', false, 'storage-refused'],
    [409, 'ContainerBeingDeleted', false, 'storage-failed'],
    [412, 'LeaseIdMissing', false, 'storage-refused'],
    [400, 'Md5Mismatch', false, 'storage-failed'],
    [400, 'InvalidHeaderValue', false, 'storage-refused'],
    [408, '', false, 'storage-failed'],
    [429, '', false, 'storage-failed'],
    [500, 'InternalError', false, 'storage-failed'],
    [503, 'ServerBusy', false, 'storage-failed'],
    [507, '', false, 'storage-full'],
  ])('of %i %s (ifAbsent: %j) is %s', (status, word, ifAbsent, code) => {
    const failure = toAzureError(
      thrown(status, word),
      { action: 'write', key: 'config', location: 'azure://container' },
      'account',
      ifAbsent,
    );
    expect(failure.code).toBe(code);
    expect(JSON.stringify([failure.message, failure.hint, failure.details, String(failure.cause)])).not.toContain('secret');
  });
});
