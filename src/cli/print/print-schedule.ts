/** What is due when, and what is written for other schedulers. */
import { join } from 'node:path';
import { wordsOfJob } from '../../operations/jobs/plan-jobs.ts';
import type { ListedJob } from '../../operations/schedule/list-jobs.ts';
import type { ScheduleFile } from '../../operations/schedule/schedule-file.ts';
import { formatDuration } from '../../util/quantities.ts';
import { formatMoment } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfJob(job: ListedJob): object {
  const { id, kind, components, repository, schedule, next } = job;
  const { cron, onChange, everyMs, timezone, jitterMs, catchUp = true } = schedule;
  return {
    message_type: 'job',
    id,
    kind,
    components,
    ...(repository === undefined ? {} : { repository }),
    schedule: {
      ...(cron === undefined ? {} : { cron }),
      ...(everyMs === undefined ? {} : { every_seconds: everyMs / 1000 }),
      on_change: onChange === true,
      ...(timezone === undefined ? {} : { timezone }),
      jitter_seconds: (jitterMs ?? 0) / 1000,
      catch_up: catchUp,
    },
    next: next.map((due) => due.toISOString()),
    command: ['holdfast', ...wordsOfJob(job)],
  };
}

export function textOfJobs(jobs: readonly ListedJob[]): string {
  if (jobs.length === 0) return 'nothing is done by itself: say when with "schedule" in the configuration';
  return formatTable(
    ['job', 'of', 'when', 'next', '', ''],
    jobs.map(({ id, kind, components, repository, schedule, next }) => [
      kind,
      printable(nameIn(id) ?? repository ?? (components.join(', ') || 'everything')),
      whenOf(schedule),
      ...[0, 1, 2].map((index) => momentOf(next[index])),
    ]),
  );
}

export function recordOfFile(form: string, { name, text }: ScheduleFile, folder: string | undefined): object {
  return { message_type: 'file', form, name, ...(folder === undefined ? { text } : { path: join(folder, name) }) };
}

/** One file as it is, so that it can be piped on; several with a line between them that says which is which. */
export function textOfFiles(files: readonly ScheduleFile[], folder: string | undefined): string {
  if (folder !== undefined) return files.map(({ name }) => join(folder, name)).join('\n');
  if (files.length === 1) return files[0]?.text.trimEnd() ?? '';
  return files.map(({ name, text }) => `# ---- ${name}\n${text.trimEnd()}`).join('\n\n');
}

/** What is kept of an archive, and drills, by their names. */
function nameIn(id: string): string | undefined {
  const [, archive, name] = /^(?:archive|(prune-archive)|drill):(.*)$/.exec(id) ?? [];
  return name !== undefined && archive !== undefined ? `archive ${name}` : name;
}

/** Minutes are enough for what is due. */
function momentOf(due: Date | undefined): string {
  return due === undefined ? '' : formatMoment(due).slice(0, 16);
}

function whenOf({ cron, onChange, everyMs = 0, timezone }: ListedJob['schedule']): string {
  const zone = timezone === undefined ? '' : ` (${timezone})`;
  if (cron !== undefined) return `${cron}${zone}`;
  return onChange === true ? `on change, looked at every ${formatDuration(everyMs)}` : `every ${formatDuration(everyMs)}`;
}
