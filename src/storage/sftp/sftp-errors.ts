import { HoldfastError, reasonOf } from '../../errors.ts';
import type { FailedAccess } from '../file-error.ts';
import { sftpStatus, statusOf } from './sftp-connection.ts';

/** The HoldfastError for whatever an operation threw. A HoldfastError passes as it is; what is none of the server's answers is worth a retry. */
export function toSftpError(error: unknown, { action, key, location }: FailedAccess): HoldfastError {
  if (error instanceof HoldfastError) return error;
  switch (statusOf(error)) {
    case sftpStatus.noSuchFile:
      if (action === 'read') return new HoldfastError('storage-missing', { key, location }, error);
      return failed('the folder of the repository is not there');
    case sftpStatus.permissionDenied:
      return new HoldfastError('storage-denied', { action, key, location }, error);
    case sftpStatus.failure:
      return failed('the server answers "failure" and does not say of what (its disk, a quota?)');
    case sftpStatus.unsupported:
      return new HoldfastError(
        'storage-refused',
        { action, key, location, reason: 'the server does not know this request', help: 'Use a server that does, such as OpenSSH' },
        error,
      );
    default:
      return failed(reasonOf(error));
  }

  function failed(reason: string): HoldfastError {
    return new HoldfastError('storage-failed', { action, key, location, reason }, error);
  }
}
