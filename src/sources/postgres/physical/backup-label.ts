/** `backup_label`: from where replay starts. The server marks that of an increment, and PostgreSQL does not start where it is marked. */
const incrementLines = /^INCREMENTAL FROM (?:LSN|TLI): .*\n/gm;

export const labelName = 'backup_label';
/** Bytes; PostgreSQL's have some hundred. */
export const largestLabel = 64 * 1024;

/** The label of the same base backup as a whole. */
export function unmarkLabel(label: Buffer): Buffer {
  return Buffer.from(label.toString('latin1').replaceAll(incrementLines, ''), 'latin1');
}
