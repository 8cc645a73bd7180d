import { HoldfastError, reasonOf } from '../../errors.ts';

/** Throws `import-unreadable`. */
export function refuseImport(
  path: string,
  reason: string,
  remedy = 'Leave it out, or import what it should hold from another copy',
  cause?: unknown,
): never {
  throw new HoldfastError('import-unreadable', { path, reason, remedy }, cause);
}

/** What went wrong with one file, as its own error; the run's own end comes through. */
export function asImportFailure(path: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError(
    'import-unreadable',
    { path, reason: describe(error), remedy: 'Leave it out, or import what it should hold from another copy' },
    error,
  );
}

function describe(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'Z_BUF_ERROR':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return 'it is cut short (its compression has no end)';
    case 'Z_DATA_ERROR':
    case 'ZSTD_error_corruption_detected':
    case 'ZSTD_error_checksum_wrong':
      return `it is damaged (${reasonOf(error)})`;
    case 'ENOENT':
      return 'it is not there';
    case 'EACCES':
      return 'permission is denied';
    default:
      return reasonOf(error);
  }
}
