import type { CheckReport } from '../../engine/check/check-report.ts';
import { formatCount, formatSize } from './quantities.ts';
import { printable } from './table.ts';

/** One line for everything that check found. */
export function* recordsOfFindings({ errors, notices }: CheckReport): Generator<{ readonly record: object; readonly text: string }> {
  for (const { object, reason } of notices)
    yield { record: { message_type: 'notice', object, message: reason }, text: `notice: ${printable(object)}: ${printable(reason)}` };
  for (const { object, reason } of errors)
    yield {
      record: { message_type: 'error', error: { message: reason }, during: 'check', item: object },
      text: `error: ${printable(object)}: ${printable(reason)}`,
    };
}

export function recordOfCheck(report: CheckReport): object {
  const { errors, notices, snapshots, indexFiles, packs, blobs, trees, objectsRead, packsRead, bytesRead } = report;
  return {
    message_type: 'summary',
    num_errors: errors.length,
    num_notices: notices.length,
    snapshots,
    index_files: indexFiles,
    packs,
    blobs,
    trees,
    objects_read: objectsRead,
    packs_read: packsRead,
    bytes_read: bytesRead,
  };
}

export function textOfCheck({ errors, snapshots, packs, blobs, trees, packsRead, bytesRead }: CheckReport): string {
  const looked = `${formatCount(snapshots, 'snapshot')}, ${formatCount(packs, 'pack')}, ${formatCount(blobs, 'blob')}, ${formatCount(trees, 'tree')}`;
  const read =
    packsRead === 0 ? 'no data was read (--read-data reads it)' : `${formatCount(packsRead, 'pack')} read, ${formatSize(bytesRead)}`;
  return errors.length === 0 ? `no errors found: ${looked}; ${read}` : `${formatCount(errors.length, 'error')} found: ${looked}; ${read}`;
}
