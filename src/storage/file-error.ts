import { HoldfastError, reasonOf } from '../errors.ts';

/** What was being done, as the word that fits "Cannot … KEY". */
export type StorageAction = 'create' | 'read' | 'write' | 'list' | 'remove';

/** Where a failure happened, for its sentence. */
export interface FailedAccess {
  readonly action: StorageAction;
  readonly key: string;
  readonly location: string;
}

/** The operating system's word for a failure (`ENOENT`), or undefined where it is no failure of a system call. */
function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True for a system call that failed in one of the given ways. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  const code = errnoOf(error);
  return code !== undefined && codes.includes(code);
}

/** The HoldfastError for whatever a file operation threw. A HoldfastError passes as it is. */
export function toStorageError(error: unknown, access: FailedAccess): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { action, key, location } = access;
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      if (action === 'read') return new HoldfastError('storage-missing', { key, location }, error);
      break;
    case 'EEXIST':
      if (action === 'write') return new HoldfastError('storage-exists', { key, location }, error);
      break;
    case 'ENOSPC':
    case 'EDQUOT':
      return new HoldfastError('storage-full', { location }, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new HoldfastError('storage-denied', { action, key, location }, error);
    default:
  }
  return new HoldfastError('storage-failed', { action, key, location, reason: reasonOf(error) }, error);
}
