import type { ChangeKind, DiffTotals, SnapshotChange } from '../../engine/browse/diff-snapshots.ts';
import type { ComparedComponent } from '../../operations/browse.ts';
import { formatCount, formatSize } from './quantities.ts';
import { printable } from './table.ts';

/* restic's letters. */
const modifiers: Readonly<Record<ChangeKind, string>> = { added: '+', removed: '-', content: 'M', type: 'T', metadata: 'U' };

export function recordOfChange({ kind, path, before, after }: SnapshotChange): object {
  return {
    message_type: 'change',
    path: `${path.toWellFormed()}${(after ?? before)?.type === 'dir' ? '/' : ''}`,
    modifier: modifiers[kind],
  };
}

export function lineOfChange({ kind, path, before, after }: SnapshotChange): string {
  return `${modifiers[kind]}    ${printable(path)}${(after ?? before)?.type === 'dir' ? '/' : ''}`;
}

/** restic's `statistics`. */
export function recordOfDiff({ component, from, to, summary }: ComparedComponent): object {
  return {
    message_type: 'statistics',
    component,
    source_snapshot: from,
    target_snapshot: to,
    changed_files: summary.changedFiles,
    changed_metadata: summary.changedMetadata,
    added: recordOfTotals(summary.added),
    removed: recordOfTotals(summary.removed),
  };
}

export function textOfDiff({ component, from, to, summary }: ComparedComponent): string {
  return [
    '',
    `${printable(component)}, ${from.slice(0, 8)} to ${to.slice(0, 8)}: ${formatCount(summary.changedFiles, 'file')} changed`,
    `  added    ${textOfTotals(summary.added)}`,
    `  removed  ${textOfTotals(summary.removed)}`,
  ].join('\n');
}

function recordOfTotals({ files, folders, others, dataBlobs, treeBlobs, bytes }: DiffTotals): object {
  return { files, dirs: folders, others, data_blobs: dataBlobs, tree_blobs: treeBlobs, bytes };
}

function textOfTotals({ files, folders, others, bytes }: DiffTotals): string {
  return `${formatCount(files, 'file')}, ${formatCount(folders, 'folder')}, ${formatCount(others, 'other')}, ${formatSize(bytes)} of data`;
}
