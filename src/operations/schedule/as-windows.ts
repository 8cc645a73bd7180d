/** The schedule as tasks of the Windows Task Scheduler: an XML for each, and PowerShell that registers and removes them. */
import { isEvery, type CronFields } from './cron-fields.ts';
import type { OuterJob, OuterSchedule } from './outer-schedule.ts';
import type { ScheduledProgram, ScheduleFile } from './schedule-file.ts';

const namespace = 'http://schemas.microsoft.com/windows/2004/02/mit/task';
/** LocalSystem. */
const systemUser = 'S-1-5-18';
/** Some day that is past: what counts is the time of the day. */
const firstDay = '2026-01-01';
const mostTriggers = 48;
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const weekdayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

export function asWindows(schedule: OuterSchedule, program: ScheduledProgram): readonly ScheduleFile[] {
  return [
    ...schedule.jobs.map((job) => ({ name: `${job.slug}.xml`, text: taskOf(schedule, job, program) })),
    { name: 'register-tasks.ps1', text: registerScript(schedule) },
    { name: 'remove-tasks.ps1', text: removeScript(schedule) },
  ];
}

/** Jobs that begin at more times of a day than the Task Scheduler has triggers for, and not in even steps. */
export function findTooManyTimes({ jobs }: OuterSchedule): readonly OuterJob[] {
  return jobs.filter(({ times }) => triggersOf(times, 0).length > mostTriggers);
}

function taskOf(schedule: OuterSchedule, job: OuterJob, program: ScheduledProgram): string {
  const words = [program.file, ...program.args, ...job.words].map(quote).join(' ');
  const settings = ['HOLDFAST_TRIGGER=schedule', `HOLDFAST_JOB=${job.id}`].map((setting) => `set "${setting}"`).join('& ');
  return `<?xml version="1.0" encoding="UTF-8"?>
<Task version="1.2" xmlns="${namespace}">
  <RegistrationInfo>
    <Description>${escape(`${job.title} (holdfast, ${schedule.application})`)}</Description>
    <URI>${escape(`${folderOf(schedule)}${job.slug}`)}</URI>
  </RegistrationInfo>
  <Triggers>
${triggersOf(job.times, job.jitterMs).join('\n')}
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${systemUser}</UserId>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>${job.catchUp ? 'true' : 'false'}</StartWhenAvailable>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>P1D</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>cmd.exe</Command>
      <Arguments>${escape(`/d /s /c "${settings}& ${words}"`)}</Arguments>
      <WorkingDirectory>${escape(schedule.folder)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`;
}

/** One for each time of the day, or one that repeats where they come in even steps all day long. */
function triggersOf(times: CronFields, jitterMs: number): readonly string[] {
  const starts = times.hours.flatMap((hour) => times.minutes.map((minute) => hour * 60 + minute));
  const step = (starts[1] ?? 0) - (starts[0] ?? 0);
  const isEven =
    starts.length > 1 && starts.every((start, index) => start === (starts[0] ?? 0) + index * step) && starts.length * step === 1440;
  const delay = jitterMs > 0 ? `      <RandomDelay>PT${Math.round(jitterMs / 1000)}S</RandomDelay>\n` : '';
  const repetition = isEven
    ? `      <Repetition>\n        <Interval>PT${step}M</Interval>\n        <Duration>P1D</Duration>\n        <StopAtDurationEnd>false</StopAtDurationEnd>\n      </Repetition>\n`
    : '';
  return (isEven ? starts.slice(0, 1) : starts).flatMap((start) =>
    daysOf(times).map(
      (days) => `    <CalendarTrigger>
      <StartBoundary>${firstDay}T${two(Math.floor(start / 60))}:${two(start % 60)}:00</StartBoundary>
${repetition}${delay}${days}
    </CalendarTrigger>`,
    ),
  );
}

/** Cron means a day of the month *or* of the week where both are said: then there are two. */
function daysOf(times: CronFields): readonly string[] {
  const [allDays, allMonths, allWeekdays] = [isEvery(times, 'days'), isEvery(times, 'months'), isEvery(times, 'weekdays')];
  if (allDays && allMonths && allWeekdays) return [element('ScheduleByDay', '        <DaysInterval>1</DaysInterval>')];
  const months = `        <Months>\n${times.months.map((month) => `          <${monthNames[month - 1] ?? ''}/>`).join('\n')}\n        </Months>`;
  const weekdays = `        <DaysOfWeek>\n${times.weekdays.map((day) => `          <${weekdayNames[day] ?? ''}/>`).join('\n')}\n        </DaysOfWeek>`;
  const byMonth = element(
    'ScheduleByMonth',
    `        <DaysOfMonth>\n${times.days.map((day) => `          <Day>${day}</Day>`).join('\n')}\n        </DaysOfMonth>\n${months}`,
  );
  const weeks = ['1', '2', '3', '4', 'Last'].map((week) => `          <Week>${week}</Week>`).join('\n');
  const byWeek = allMonths
    ? element('ScheduleByWeek', `        <WeeksInterval>1</WeeksInterval>\n${weekdays}`)
    : element('ScheduleByMonthDayOfWeek', `        <Weeks>\n${weeks}\n        </Weeks>\n${weekdays}\n${months}`);
  if (allWeekdays) return [byMonth];
  return allDays ? [byWeek] : [byMonth, byWeek];
}

function element(name: string, content: string): string {
  return `      <${name}>\n${content}\n      </${name}>`;
}

function registerScript(schedule: OuterSchedule): string {
  const lines = schedule.jobs.map(
    ({ slug }) =>
      `Register-ScheduledTask -TaskPath ${literal(folderOf(schedule))} -TaskName ${literal(slug)} -Xml (Get-Content -Raw -Encoding UTF8 -LiteralPath (Join-Path $PSScriptRoot ${literal(`${slug}.xml`)})) -Force | Out-Null`,
  );
  return `#Requires -RunAsAdministrator
# Registers the tasks beside this file. Tasks of the same names are replaced.
$ErrorActionPreference = 'Stop'
${lines.join('\n')}
Get-ScheduledTask -TaskPath ${literal(folderOf(schedule))}
`;
}

function removeScript(schedule: OuterSchedule): string {
  return `#Requires -RunAsAdministrator
# Removes the tasks of ${schedule.slug}.
$ErrorActionPreference = 'Stop'
Get-ScheduledTask -TaskPath ${literal(folderOf(schedule))} | Unregister-ScheduledTask -Confirm:$false
`;
}

function folderOf({ slug }: OuterSchedule): string {
  return `\\holdfast\\${slug}\\`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** As one word for cmd.exe and for the program: a path of Windows has no quotes in it. */
function quote(word: string): string {
  return /^[\w@+=:,./\\-]+$/.test(word) ? word : `"${word.replaceAll('"', '')}"`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function escape(text: string): string {
  return text
    .replaceAll(/[\u0000-\u001f]+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
