/** What a restore of a tree from `makeTree` may lose; takes lines of `compareTrees(original, restored)`. Anything else is a fault. */

/** The format does not tell zeros that were written from zeros that were a hole; holdfast makes holes of both. */
const lostByFormat: readonly RegExp[] = [/^contents\/zeros(-renamed)?: holes is without holes and with holes$/];

/** What restic 0.14 does not write, whoever made the backup. Later versions do better. */
const lostByRestoreOfRestic: readonly RegExp[] = [
  /^attributes\/link: xattrs is trusted\.note=0x[0-9a-f]+ and nothing$/, // attributes of a symbolic link
  /^links\/to-bytes: target is /, // a target that is not UTF-8; `linktarget_raw` came with 0.16
  /^special\/socket: only in the first$/,
  /^special\/sparse: holes is with holes and without holes$/, // `--sparse` came with 0.15
];

/** What restic 0.14 does not read, and so no restore of its backups can bring back. */
const lostByBackupOfRestic: readonly RegExp[] = [
  /^attributes\/link: xattrs is trusted\.note=0x[0-9a-f]+ and nothing$/,
  /^links\/to-bytes: target is /,
  /^special\/socket: only in the first$/,
];

/** Whether no program could bring this back. */
export function isLostByFormat(difference: string): boolean {
  return lostByFormat.some((loss) => loss.test(difference));
}

/** Whether a restore by restic 0.14 is known to lose this. */
export function isLostByRestic(difference: string): boolean {
  return lostByRestoreOfRestic.some((loss) => loss.test(difference));
}

/** Whether a backup by restic 0.14 is known to lose this, whoever restores it. */
export function isMissedByRestic(difference: string): boolean {
  return isLostByFormat(difference) || lostByBackupOfRestic.some((loss) => loss.test(difference));
}
