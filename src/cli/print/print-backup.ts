import type { BackupSummary } from '../../engine/backup.ts';
import type { ApplicationBackupReport } from '../../operations/application/back-up-application.ts';
import type { BackupReport } from '../../operations/back-up.ts';
import { formatCount, formatSeconds, formatSize } from './quantities.ts';

export interface ShownBackup {
  readonly report: BackupReport | ApplicationBackupReport;
  readonly began: Date;
  readonly seconds: number;
  readonly dryRun: boolean;
}

/** restic's `summary`, summed over the components, and what holdfast has to say beyond it. */
export function recordOfBackup({ report, began, seconds, dryRun }: ShownBackup): object {
  const total = (read: (summary: BackupSummary) => number): number => report.saved.reduce((sum, { summary }) => sum + read(summary), 0);
  return {
    message_type: 'summary',
    files_new: total(({ filesNew }) => filesNew),
    files_changed: total(({ filesChanged }) => filesChanged),
    files_unmodified: total(({ filesUnmodified }) => filesUnmodified),
    dirs_new: total(({ dirsNew }) => dirsNew),
    dirs_changed: total(({ dirsChanged }) => dirsChanged),
    dirs_unmodified: total(({ dirsUnmodified }) => dirsUnmodified),
    data_blobs: total(({ dataBlobs }) => dataBlobs),
    tree_blobs: total(({ treeBlobs }) => treeBlobs),
    data_added: total(({ dataAdded }) => dataAdded),
    data_added_packed: total(({ dataAddedPacked }) => dataAddedPacked),
    total_files_processed: total(({ totalFilesProcessed }) => totalFilesProcessed),
    total_bytes_processed: total(({ totalBytesProcessed }) => totalBytesProcessed),
    total_duration: seconds,
    backup_start: began.toISOString(),
    backup_end: new Date(began.getTime() + seconds * 1000).toISOString(),
    ...(report.pointId === undefined ? {} : { snapshot_id: report.pointId, point: report.pointId }),
    ...(dryRun ? { dry_run: true } : {}),
    problems: report.problems,
    proven: false,
    components: [
      ...report.saved.map(({ component, kind, summary }) => ({
        component,
        kind,
        status: 'saved',
        ...(summary.snapshotId === undefined ? {} : { snapshot_id: summary.snapshotId }),
        ...(summary.parentId === undefined ? {} : { parent: summary.parentId }),
        files: summary.totalFilesProcessed,
        bytes: summary.totalBytesProcessed,
        ...('application' in report ? { unchanged: report.unchanged.includes(component) } : {}),
      })),
      ...report.failed.map(({ component, kind, error }) => ({
        component,
        kind,
        status: 'failed',
        error: error.code,
        message: error.message,
      })),
    ],
    ...('application' in report ? recordOfApplication(report) : {}),
  };
}

function recordOfApplication({ application, repository, copies }: ApplicationBackupReport): object {
  return {
    application,
    repository,
    copies: copies.map(({ name, bytes, caughtUp, waitsUntil, error }) => {
      if (error !== undefined) return { repository: name, status: 'failed', error: error.code, message: error.message };
      if (waitsUntil !== undefined) return { repository: name, status: 'waits', until: waitsUntil };
      return { repository: name, status: 'copied', bytes, caught_up: caughtUp };
    }),
  };
}

export function textOfBackup({ report, seconds, dryRun }: ShownBackup): string {
  const sums = { files: 0, bytes: 0, added: 0, stored: 0 };
  for (const { summary } of report.saved) {
    sums.files += summary.totalFilesProcessed;
    sums.bytes += summary.totalBytesProcessed;
    sums.added += summary.dataAdded;
    sums.stored += summary.dataAddedPacked;
  }
  const amount = `${formatCount(sums.files, 'file')}, ${formatSize(sums.bytes)} (new data ${formatSize(sums.added)}, stored ${formatSize(sums.stored)}) in ${formatSeconds(seconds)}`;
  const what = report.saved.map(({ component }) => component).join(', ');
  const head = dryRun
    ? `dry run of ${what}: ${amount}; nothing was stored`
    : report.pointId === undefined
      ? `nothing has changed in ${what}: ${amount}; no point was made`
      : `point ${report.pointId.slice(0, 8)} saved (${what}): ${amount}; unproven until a restore has shown that it works`;
  const failures = report.failed.map(({ component, error }) => `${component} was NOT saved: ${error.message} ${error.hint}`);
  const problems =
    report.problems === 0
      ? []
      : [`${formatCount(report.problems, 'problem')}: something could not be read, or changed while it was read; see above`];
  return [head, ...('application' in report ? linesOfApplication(report) : []), ...failures, ...problems].join('\n');
}

function linesOfApplication({ copies, repository, unchanged }: ApplicationBackupReport): string[] {
  return [
    ...(unchanged.length === 0 ? [] : [`unchanged: ${unchanged.join(', ')}`]),
    ...(copies.length === 0 ? [] : [`saved in ${repository}`]),
    ...copies.map(lineOfCopy),
  ];
}

function lineOfCopy({ name, bytes = 0, caughtUp = 0, waitsUntil, error }: ApplicationBackupReport['copies'][number]): string {
  if (error !== undefined) return `${name} has NO copy: ${error.message} ${error.hint}`;
  if (waitsUntil !== undefined) return `${name} gets its copy with the first backup after ${waitsUntil}`;
  const missed = caughtUp === 0 ? '' : `, and ${formatCount(caughtUp, 'point')} that it had missed`;
  return `copied to ${name} (${formatSize(bytes)} new${missed})`;
}
