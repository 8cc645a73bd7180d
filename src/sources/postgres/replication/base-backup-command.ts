/** The words of BASE_BACKUP, which changed with PostgreSQL 15. */
import type { BaseBackupRequest } from './base-backup.ts';

/** What the server takes as MAX_RATE, in KiB a second. */
const slowest = 32;
const fastest = 1024 * 1024;

/** `version` as server_version_num. */
export function baseBackupCommand({ checkpoint, rate, label, increment }: BaseBackupRequest, version: number): string {
  const quoted = `'${label.replaceAll(/[\r\n]/g, ' ').replaceAll("'", "''")}'`;
  const kilobytes = rate === undefined ? undefined : Math.min(fastest, Math.max(slowest, Math.floor(rate / 1024)));
  if (version < 150_000) {
    const words = ['BASE_BACKUP', 'LABEL', quoted, 'PROGRESS', ...(checkpoint === 'fast' ? ['FAST'] : []), 'WAL', 'NOWAIT'];
    if (kilobytes !== undefined) words.push('MAX_RATE', String(kilobytes));
    return [...words, 'MANIFEST', "'yes'"].join(' ');
  }
  const options = [`LABEL ${quoted}`, 'PROGRESS true', `CHECKPOINT '${checkpoint}'`, 'WAL true', 'WAIT false', "MANIFEST 'yes'"];
  if (kilobytes !== undefined) options.push(`MAX_RATE ${kilobytes}`);
  if (increment !== undefined) options.push('INCREMENTAL true');
  return `BASE_BACKUP (${options.join(', ')})`;
}
