/** The schedule as units of systemd: a hardened service and a timer for each job. */
import { isEvery, type CronFields } from './cron-fields.ts';
import type { OuterJob, OuterSchedule } from './outer-schedule.ts';
import type { ScheduledProgram, ScheduleFile } from './schedule-file.ts';

export interface SystemdChoice {
  readonly program: ScheduledProgram;
  /** Folders and files that runs write: repositories, archives, state, caches. */
  readonly writable: readonly string[];
  /** Who runs it; root where it is not said. Absent for units of a user. */
  readonly user?: string;
  /** A file with NAME=VALUE lines, for passwords; it need not be there. */
  readonly environmentFile: string;
  /** Units of one user have no rights to take away. */
  readonly scope: 'system' | 'user';
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

export function asSystemd(schedule: OuterSchedule, choice: SystemdChoice): readonly ScheduleFile[] {
  return schedule.jobs.flatMap((job) => {
    const name = unitName(schedule, job);
    return [
      { name: `${name}.service`, text: serviceOf(schedule, job, choice) },
      { name: `${name}.timer`, text: timerOf(schedule, job) },
    ];
  });
}

/** The first line of every unit of an application, by which they are found again. */
export function unitMark({ slug }: Pick<OuterSchedule, 'slug'>): string {
  return `# holdfast schedule: ${slug}`;
}

function unitName({ slug }: OuterSchedule, job: OuterJob): string {
  return `${slug}-${job.slug}`;
}

function timerOf(schedule: OuterSchedule, job: OuterJob): string {
  const jitter = Math.round(job.jitterMs / 1000);
  return [
    unitMark(schedule),
    '[Unit]',
    `Description=When ${descriptionOf(schedule, job)} is due`,
    '',
    '[Timer]',
    ...calendarOf(job.times, job.timezone).map((calendar) => `OnCalendar=${calendar}`),
    `Persistent=${job.catchUp ? 'true' : 'false'}`,
    ...(jitter > 0 ? [`RandomizedDelaySec=${jitter}`, 'FixedRandomDelay=true'] : []),
    'AccuracySec=30s',
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ].join('\n');
}

/** Cron means a day of the month *or* of the week where both are said, and systemd both: then there are two lines. */
export function calendarOf(times: CronFields, timezone: string | undefined): readonly string[] {
  const list = (numbers: readonly number[], all: boolean): string =>
    all ? '*' : numbers.map((number) => String(number).padStart(2, '0')).join(',');
  const clock = `${list(times.hours, isEvery(times, 'hours'))}:${list(times.minutes, isEvery(times, 'minutes'))}:00`;
  const zone = timezone === undefined ? '' : ` ${timezone}`;
  const months = list(times.months, isEvery(times, 'months'));
  const days = list(times.days, isEvery(times, 'days'));
  const ofWeek = isEvery(times, 'weekdays') ? '' : `${times.weekdays.map((day) => weekdays[day] ?? '').join(',')} `;
  if (ofWeek === '' || days === '*') return [`${ofWeek}*-${months}-${days} ${clock}${zone}`];
  return [`*-${months}-${days} ${clock}${zone}`, `${ofWeek}*-${months}-* ${clock}${zone}`];
}

function serviceOf(schedule: OuterSchedule, job: OuterJob, choice: SystemdChoice): string {
  const { program, user, environmentFile, scope } = choice;
  return [
    unitMark(schedule),
    '[Unit]',
    `Description=${descriptionOf(schedule, job)}`,
    ...(scope === 'system' ? ['Wants=network-online.target', 'After=network-online.target docker.service postgresql.service'] : []),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${[program.file, ...program.args, ...job.words].map(quote).join(' ')}`,
    `WorkingDirectory=${escapePercent(schedule.folder)}`,
    'Environment=HOLDFAST_TRIGGER=schedule',
    `Environment=${quote(`HOLDFAST_JOB=${job.id}`)}`,
    `EnvironmentFile=-${escapePercent(environmentFile)}`,
    ...(user === undefined ? [] : [`User=${user}`]),
    'TimeoutStartSec=24h',
    'TimeoutStopSec=2min',
    'Nice=10',
    'IOSchedulingClass=best-effort',
    'IOSchedulingPriority=7',
    'UMask=0077',
    'NoNewPrivileges=true',
    ...(scope === 'system' ? hardeningOf(choice.writable) : []),
    '',
  ].join('\n');
}

/* The just-in-time compiler of Node.js needs memory that is written and run, and drills start servers of their own: those stay allowed. */
function hardeningOf(writable: readonly string[]): readonly string[] {
  return [
    'ProtectSystem=strict',
    ...writable.map((path) => `ReadWritePaths=${quote(`-${path}`)}`),
    'ProtectHome=read-only',
    'PrivateTmp=true',
    'PrivateDevices=true',
    'ProtectClock=true',
    'ProtectControlGroups=true',
    'ProtectHostname=true',
    'ProtectKernelLogs=true',
    'ProtectKernelModules=true',
    'ProtectKernelTunables=true',
    'LockPersonality=true',
    'RestrictNamespaces=true',
    'RestrictRealtime=true',
    'RestrictSUIDSGID=true',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'SystemCallArchitectures=native',
    'CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SYS_NICE',
  ];
}

function descriptionOf({ application }: OuterSchedule, { title }: OuterJob): string {
  return escapePercent(`${title} (holdfast, ${application})`.replaceAll(/[\r\n]+/g, ' '));
}

/** As one word of a unit file. */
function quote(word: string): string {
  const escaped = escapePercent(word).replaceAll('$', '$$$$');
  return /^[\w@%+=:,./*-]+$/.test(escaped) && escaped !== '' ? escaped : `"${escaped.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

function escapePercent(text: string): string {
  return text.replaceAll('%', '%%');
}
