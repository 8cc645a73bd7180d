import type { RestorePlan } from '../../engine/restore/restore-plan.ts';
import type { RestoreSummary } from '../../engine/restore/restore-request.ts';
import type { RestoreDatabaseReport } from '../../operations/restore-database.ts';
import type { RestoreFilesReport } from '../../operations/restore-files.ts';
import { formatCount, formatSeconds, formatSize } from './quantities.ts';
import { printable } from './table.ts';

/** Every action of a plan, for a dry run. */
export function* linesOfPlan(plan: RestorePlan): Generator<{ readonly record: object; readonly text: string }> {
  for (const { action, path, type, size } of plan.actions()) {
    yield {
      record: { message_type: 'action', action, path: path.toWellFormed(), type, size },
      text: `${action.padEnd(9)} ${type.padEnd(7)} ${printable(path)}`,
    };
  }
}

export interface ShownRestore {
  readonly report: RestoreFilesReport;
  readonly dryRun: boolean;
  readonly seconds: number;
}

/** restic's `summary`. */
export function recordOfRestore({ report, dryRun, seconds }: ShownRestore): object {
  const total = totalOf(report);
  return {
    message_type: 'summary',
    point: report.pointId,
    components: report.components,
    target: report.target,
    seconds_elapsed: Math.floor(seconds),
    total_duration: seconds,
    total_files: total((each) => each.files),
    files_restored: dryRun ? 0 : total((each) => each.files - each.unchanged),
    files_skipped: total((each) => each.skipped),
    files_unchanged: total((each) => each.unchanged),
    files_deleted: dryRun ? 0 : total((each) => each.deletions),
    files_verified: total((each) => each.verified),
    total_dirs: total((each) => each.folders),
    total_bytes: total((each) => each.bytes),
    bytes_restored: dryRun ? 0 : total((each) => each.bytesToWrite),
    problems: total((each) => each.problems),
    ...(dryRun ? { dry_run: true } : {}),
  };
}

export function textOfRestore({ report, dryRun, seconds }: ShownRestore): string {
  const total = totalOf(report);
  const [files, unchanged, skipped, deletions, problems, verified] = [
    total((each) => each.files),
    total((each) => each.unchanged),
    total((each) => each.skipped),
    total((each) => each.deletions),
    total((each) => each.problems),
    total((each) => each.verified),
  ];
  const what = `point ${report.pointId.slice(0, 8)} (${report.components.join(', ')})`;
  const amount = `${formatCount(files, 'file')}, ${formatSize(total((each) => each.bytes))}`;
  const notes = [
    ...(unchanged > 0 ? [`${unchanged} right already`] : []),
    ...(skipped > 0 ? [`${skipped} left as they are`] : []),
    ...(deletions > 0 ? [`${deletions} ${dryRun ? 'to be removed' : 'removed'}`] : []),
    ...(verified > 0 ? [`${verified} read again and found right`] : []),
  ];
  const tail = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  const head = dryRun
    ? `dry run: ${what} would be restored to ${printable(report.target)}: ${amount}${tail}; nothing was done`
    : `${what} restored to ${printable(report.target)}: ${amount}${tail} in ${formatSeconds(seconds)}`;
  return problems === 0 ? head : `${head}\n${formatCount(problems, 'problem')}: something could not be restored as it was; see above`;
}

/** What a source says about a restored database. */
export function textOfFacts({ pointId, component, facts }: RestoreDatabaseReport, seconds: number): string {
  const list = Object.entries(facts).map(([name, value]) => `  ${name.padEnd(16)} ${printable(String(value))}`);
  return [`point ${pointId.slice(0, 8)} (${component}) restored in ${formatSeconds(seconds)}`, ...list].join('\n');
}

function totalOf(report: RestoreFilesReport): (read: (summary: RestoreSummary) => number) => number {
  return (read) => report.summaries.reduce((sum, summary) => sum + read(summary), 0);
}
