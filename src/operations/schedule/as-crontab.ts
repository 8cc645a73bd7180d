/** The schedule as lines of a crontab. */
import { shellWord } from '../../util/shell-word.ts';
import { join } from 'node:path';
import { cronOf, type OuterJob, type OuterSchedule } from './outer-schedule.ts';
import type { ScheduledProgram } from './schedule-file.ts';

/** Where cron finds programs is set by every system otherwise. */
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface CrontabChoice {
  readonly program: ScheduledProgram;
  /** Where the locks lie that keep a job from overlapping itself. */
  readonly lockFolder: string;
}

/** The lines of one application, between marks by which they are found again. */
export function asCrontab(schedule: OuterSchedule, { program, lockFolder }: CrontabChoice): string {
  const lines = schedule.jobs.map((job) => `${cronOf(job)} ${escape(commandOf(schedule, job, program, lockFolder))}`);
  const { begin, end } = marksOf(schedule.slug);
  return [
    begin,
    `# ${schedule.application}: written by "holdfast schedule" from ${oneLine(schedule.file)}; changes here are lost`,
    ...lines,
    end,
    '',
  ].join('\n');
}

/** A crontab without the lines of an application, and with these instead. */
export function mergeCrontab(crontab: string, slug: string, lines: string): string {
  const { begin, end } = marksOf(slug);
  const kept: string[] = [];
  let isOurs = false;
  for (const line of crontab.split('\n')) {
    if (line === begin) isOurs = true;
    if (!isOurs) kept.push(line);
    if (line === end) isOurs = false;
  }
  const rest = kept.join('\n').replace(/\n+$/, '');
  return `${rest}${rest === '' ? '' : '\n'}${lines}`;
}

/** Whether a crontab has lines of this application, each with its end: without it the rest of the file would be taken for ours. */
export function findInCrontab(crontab: string, slug: string): 'none' | 'whole' | 'torn' {
  const lines = crontab.split('\n');
  const { begin, end } = marksOf(slug);
  const [first, last] = [lines.indexOf(begin), lines.lastIndexOf(end)];
  if (first === -1 && last === -1) return 'none';
  const count = (mark: string): number => lines.filter((line) => line === mark).length;
  return first !== -1 && first < last && count(begin) === 1 && count(end) === 1 ? 'whole' : 'torn';
}

/** Which jobs have a line among those of this application, at the times at which they are due now. */
export function findJobsInCrontab(crontab: string, { slug, jobs }: OuterSchedule): readonly OuterJob[] {
  const { begin, end } = marksOf(slug);
  const lines = crontab.split('\n');
  const ours = lines.slice(lines.indexOf(begin) + 1, lines.indexOf(end));
  return jobs.filter((job) =>
    ours.some((line) => line.startsWith(`${cronOf(job)} `) && line.includes(escape(` HOLDFAST_JOB=${shellWord(job.id)} `))),
  );
}

function marksOf(slug: string): { readonly begin: string; readonly end: string } {
  return { begin: `# begin ${slug}`, end: `# end ${slug}` };
}

/** A run that still works is not joined by a second one of the same job. */
function commandOf({ folder }: OuterSchedule, job: OuterJob, program: ScheduledProgram, lockFolder: string): string {
  const wait = Math.round(job.delayMs / 1000);
  const words = ['flock', '-n', join(lockFolder, `${job.slug}.lock`), program.file, ...program.args, ...job.words];
  const settings = `PATH=${searchPath} HOLDFAST_TRIGGER=schedule HOLDFAST_JOB=${shellWord(job.id)}`;
  return `${wait > 0 ? `sleep ${wait}; ` : ''}cd ${shellWord(folder)} && ${settings} ${words.map(shellWord).join(' ')}`;
}

/** What cron would take for the end of the command. */
function escape(command: string): string {
  return oneLine(command).replaceAll('%', String.raw`\%`);
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}
