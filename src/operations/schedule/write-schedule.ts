/** The schedule of a configuration in the form of another scheduler: what `holdfast schedule print`, `install` and `remove` do. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from '../../config/configuration.ts';
import { HoldfastError } from '../../errors.ts';
import { asCompose } from './as-compose.ts';
import { asCrontab } from './as-crontab.ts';
import { asKubernetes } from './as-kubernetes.ts';
import { asSystemd, type SystemdChoice } from './as-systemd.ts';
import { asWindows, findTooManyTimes } from './as-windows.ts';
import { installCrontab, removeCrontab } from './install-crontab.ts';
import { installSystemd, removeSystemd, type UnitPlace } from './install-systemd.ts';
import { planOuterSchedule, type OuterSchedule } from './outer-schedule.ts';
import type { ToolContext } from './run-tool.ts';
import type { ScheduledProgram, ScheduleFile } from './schedule-file.ts';
import { findSchedulePlaces } from './schedule-places.ts';
import { isSameTimezone, machineTimezone } from './time-zones.ts';

const longestLine = 990;

export type ScheduleForm = 'crontab' | 'systemd' | 'windows' | 'compose' | 'kubernetes';

export interface ScheduleOrder {
  readonly configuration: Configuration;
  readonly form: ScheduleForm;
  readonly program: ScheduledProgram;
  /** Of containers. */
  readonly image: string;
  /** Who runs the units of systemd; root by default. */
  readonly user?: string;
  /** For systemd: a system that does not run, by its root. */
  readonly root?: string;
  readonly stateFolder: string;
  readonly now: Date;
}

export interface WrittenSchedule {
  readonly form: ScheduleForm;
  readonly files: readonly ScheduleFile[];
  /** What this form cannot do, or needs beside it. */
  readonly notes: readonly string[];
}

export interface InstalledSchedule {
  readonly form: ScheduleForm;
  readonly jobs: number;
  readonly notes: readonly string[];
}

/** What fits this machine: units where systemd runs, else the crontab, or tasks on Windows, or CronJobs in a cluster. */
export function chooseForm(environment: Readonly<Record<string, string | undefined>>): ScheduleForm {
  if (process.platform === 'win32') return 'windows';
  if (environment['KUBERNETES_SERVICE_HOST']) return 'kubernetes';
  return existsSync('/run/systemd/system') ? 'systemd' : 'crontab';
}

/** @throws HoldfastError `schedule-form` where this form cannot say what the configuration does */
export function writeSchedule(order: ScheduleOrder): WrittenSchedule {
  const { form, configuration } = order;
  const schedule = planOuterSchedule(configuration);
  const notes = [...schedule.notes, ...notesOf(order, schedule)];
  return { form, files: filesOf(order, schedule), notes };
}

/** @throws HoldfastError `schedule-form`, `schedule-tool` */
export async function installSchedule(order: ScheduleOrder, context: ToolContext): Promise<InstalledSchedule> {
  const { form, configuration } = order;
  const schedule = planOuterSchedule(configuration);
  const notes = [...schedule.notes, ...notesOf(order, schedule)];
  const done = { form, jobs: schedule.jobs.length };
  if (form === 'crontab') {
    const [crontab] = filesOf(order, schedule);
    await installCrontab(schedule, crontab?.text ?? '', { lockFolder: lockFolderOf(order) }, context);
    return { ...done, notes };
  }
  if (form !== 'systemd') throw notInstalled(form);
  const { running } = await installSystemd(schedule, systemdChoice(order, schedule), unitPlace(order), context);
  return { ...done, notes: running ? notes : [...notes, 'systemd does not run here: the timers fire from the next start of that system'] };
}

/** Whether there was something to remove. */
export async function removeSchedule(
  order: Pick<ScheduleOrder, 'configuration' | 'form' | 'root'>,
  context: ToolContext,
): Promise<boolean> {
  const schedule = planOuterSchedule(order.configuration);
  if (order.form === 'crontab') return removeCrontab(schedule.slug, context);
  if (order.form !== 'systemd') throw notInstalled(order.form);
  return (await removeSystemd(schedule, unitPlace(order), context)).length > 0;
}

function filesOf(order: ScheduleOrder, schedule: OuterSchedule): readonly ScheduleFile[] {
  const { form, program, image, configuration, stateFolder, now } = order;
  const { slug } = schedule;
  switch (form) {
    case 'crontab':
      refuseOtherTimezones(schedule, now);
      return [{ name: `${slug}.crontab`, text: refuseLongLines(asCrontab(schedule, { program, lockFolder: lockFolderOf(order) })) }];
    case 'systemd':
      return asSystemd(schedule, systemdChoice(order, schedule));
    case 'windows':
      refuseTooManyTimes(schedule);
      return asWindows(schedule, program);
    case 'compose':
      return [
        {
          name: 'compose.holdfast.yml',
          text: asCompose(schedule, { image, ...findSchedulePlaces(configuration, stateFolder), stateFolder, timezone: timezoneOf(order) }),
        },
      ];
    case 'kubernetes':
      return [
        { name: `${slug}.yaml`, text: asKubernetes(schedule, { image, configFolder: '/etc/holdfast', timezone: timezoneOf(order) }) },
      ];
  }
}

function timezoneOf({ configuration }: ScheduleOrder): string {
  return configuration.timezone ?? machineTimezone();
}

/** It is there since a crontab was installed for the first time. */
export function lockFolderOf({ stateFolder }: Pick<ScheduleOrder, 'stateFolder'>): string {
  return join(stateFolder, 'schedule');
}

function systemdChoice({ program, configuration, stateFolder, user, root }: ScheduleOrder, { slug }: OuterSchedule): SystemdChoice {
  const scope = scopeOf(root);
  const base = scope === 'system' ? '/etc/holdfast' : join(homedir(), '.config', 'holdfast');
  const { writable } = findSchedulePlaces(configuration, stateFolder);
  const cache = scope === 'system' && user === undefined ? ['/root/.cache'] : [];
  return {
    program,
    scope,
    writable: [...writable, ...cache],
    environmentFile: join(base, `${slug}.env`),
    ...(user === undefined ? {} : { user }),
  };
}

function scopeOf(root: string | undefined): 'system' | 'user' {
  return root !== undefined || process.getuid?.() === 0 ? 'system' : 'user';
}

/** Where `install` puts units. */
export function unitPlace({ root }: Pick<ScheduleOrder, 'root'>): UnitPlace {
  const scope = scopeOf(root);
  if (scope === 'user') return { scope, folder: join(homedir(), '.config', 'systemd', 'user') };
  return { scope, folder: join(root ?? '/', 'etc', 'systemd', 'system'), ...(root === undefined ? {} : { root }) };
}

/** Cron has one time zone, that of its machine. */
function refuseOtherTimezones({ jobs }: OuterSchedule, now: Date): void {
  const machine = machineTimezone();
  const stray = jobs.find(({ timezone }) => timezone !== undefined && !isSameTimezone(timezone, machine, now));
  if (stray === undefined) return;
  const reason = `${stray.title} is due by the hours of ${stray.timezone ?? ''}, and cron goes by those of this machine (${machine})`;
  const remedy = 'Use --as systemd, which knows time zones, or holdfast serve, or set the time zone of this machine';
  throw new HoldfastError('schedule-form', { form: 'crontab', reason, remedy });
}

/** Cron leaves out what comes after a thousand letters. */
function refuseLongLines(crontab: string): string {
  const long = crontab.split('\n').find((line) => Buffer.byteLength(line) > longestLine);
  if (long === undefined) return crontab;
  const remedy = 'Name a shorter path of holdfast with --program, or use --as systemd';
  throw new HoldfastError('schedule-form', { form: 'crontab', reason: `a line is longer than ${longestLine} letters`, remedy });
}

function refuseTooManyTimes(schedule: OuterSchedule): void {
  const [job] = findTooManyTimes(schedule);
  if (job === undefined) return;
  const reason = `${job.title} is due at more times of a day than a task has triggers for`;
  throw new HoldfastError('schedule-form', { form: 'windows', reason, remedy: 'Write it in even steps, such as */15 * * * *' });
}

function notInstalled(form: ScheduleForm): HoldfastError {
  const how = {
    windows: 'then run register-tasks.ps1 there as an administrator',
    compose: 'then run docker compose -f docker-compose.yml -f compose.holdfast.yml up -d',
    kubernetes: 'then run kubectl apply -f on the file',
    crontab: '',
    systemd: '',
  }[form];
  const remedy = `Print it with: holdfast schedule print --as ${form} --out DIR; ${how}`;
  return new HoldfastError('schedule-form', { form, reason: 'it is put in place by tools of its own', remedy });
}

function notesOf({ form, configuration, stateFolder }: ScheduleOrder, { jobs, slug }: OuterSchedule): readonly string[] {
  const needsPassword = configuration.repositories.some(({ password }) => password === undefined);
  const zone = jobs.find(({ timezone }) => timezone !== undefined)?.timezone;
  const noted: Readonly<Record<ScheduleForm, readonly (string | false)[]>> = {
    crontab: [
      jobs.some(({ catchUp }) => catchUp) && 'cron does not catch up: what is due while the machine is off is not done later',
      needsPassword && 'cron gives no environment: say in holdfast.yaml where the password of each repository is (password: { file: … })',
      `the locks lie in ${join(stateFolder, 'schedule')}, which "schedule install" makes`,
    ],
    systemd: [needsPassword && `the services read HOLDFAST_PASSWORD_FILE=… and other variables from the file ${slug}.env named in them`],
    windows: [
      `the hours are those of the Windows machine${zone === undefined ? '' : `, which must be in ${zone}`}`,
      'the paths are those of this machine, unless --program says otherwise',
    ],
    compose: [needsPassword && 'the file holdfast-password beside the Compose file holds the password of the repository'],
    kubernetes: [
      'sources in containers or volumes of Docker cannot be reached from a pod: name databases by URL',
      'repositories in folders need a volume of their own: better is a store',
    ],
  };
  return noted[form].filter((note) => note !== false);
}
