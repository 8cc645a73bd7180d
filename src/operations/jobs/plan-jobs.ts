/**
 * What is due by itself in an application, and which command lines do it: for the daemon, and for whoever would rather have crontab or
 * systemd do the same. Pure.
 */
import type { ComponentConfiguration, Configuration, RepositoryConfiguration, ScheduleConfiguration } from '../../config/configuration.ts';
import { readSchedule } from '../../config/understand-schedule.ts';
import { formatDuration } from '../../util/quantities.ts';
import { countDue, type JobKind } from '../../policy/schedule.ts';

export interface PlannedJob {
  /** The same for as long as the job means the same: `backup:0_2_*_*_*`, `check:offsite`, `drill:monthly`. No spaces, no slashes. */
  readonly id: string;
  readonly kind: JobKind;
  readonly schedule: ScheduleConfiguration;
  /**
   * The words behind `holdfast`, without those that name the configuration. Where the job is one of `slices`, the word `slice` stands for
   * the share that a run takes: `wordsOfJob` puts it in.
   */
  readonly words: readonly string[];
  /** Components of the configuration that it is about; none where it is about a repository. */
  readonly components: readonly string[];
  /** By its name in the configuration, where it is about one. */
  readonly repository?: string;
  /** Of so many shares each run takes one, in turn. */
  readonly slices?: number;
}

const sliceWord = '{slice}';
const mostSlices = 1000;

/** Jobs in the order of the file, each with an id of its own. Of something without a schedule there is none. */
export function planJobs(configuration: Configuration): readonly PlannedJob[] {
  return [
    ...planBackups(configuration),
    ...planArchives(configuration),
    ...planCopies(configuration),
    ...planDrills(configuration),
    ...planMaintenance(configuration),
  ];
}

/** The words of one run. `slice` counts from 0 and may be any whole number. */
export function wordsOfJob({ words, slices }: Pick<PlannedJob, 'words' | 'slices'>, slice = 0): readonly string[] {
  return slices === undefined ? words : words.map((word) => (word === sliceWord ? `${(slice % slices) + 1}/${slices}` : word));
}

/** Components whose schedules are the same are one run, so that one recovery point holds them. */
function planBackups({ components }: Configuration): PlannedJob[] {
  const groups = new Map<string, { schedule: ScheduleConfiguration; members: ComponentConfiguration[] }>();
  for (const component of components) {
    const { schedule, partOf } = component;
    if (schedule === undefined || partOf !== undefined) continue;
    const id = `backup:${nameOfSchedule(schedule)}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { schedule, members: [component] });
    else group.members.push(component);
  }
  return [...groups].map(([id, { schedule, members }]) => {
    const names = members.map(({ name }) => name);
    return { id, kind: 'backup', schedule, words: wordsOfBackup(names, schedule.onChange === true), components: names };
  });
}

/** The words of a backup of these components. */
export function wordsOfBackup(components: readonly string[], onChange: boolean): readonly string[] {
  return ['backup', ...components, ...(onChange ? ['--skip-if-unchanged'] : [])];
}

function planArchives({ archives = [], timezone, maintenance }: Configuration): PlannedJob[] {
  return archives.flatMap(({ name, schedule, components = [], keep }): PlannedJob[] => [
    ...(schedule === undefined
      ? []
      : [
          {
            id: `archive:${name}`,
            kind: 'archive' as const,
            schedule: readSchedule(schedule, timezone),
            words: ['archive', name],
            components,
          },
        ]),
    ...(keep === undefined || maintenance.prune === undefined
      ? []
      : [
          {
            id: `prune-archive:${name}`,
            kind: 'prune' as const,
            schedule: maintenance.prune,
            words: ['archive', name, '--prune'],
            components,
          },
        ]),
  ]);
}

/** A backup brings its copies itself. Where a repository has hours, they may lie where no backup is: then it gets what it missed when they begin. */
function planCopies({ repositories }: Configuration): PlannedJob[] {
  const [first, ...others] = repositories;
  return others.flatMap(({ name, limits }): PlannedJob[] => {
    if (first === undefined || limits?.hours === undefined) return [];
    const { from } = limits.hours;
    // The hours are the machine's, whatever the time zone of schedules is.
    const schedule = { cron: `${from % 60} ${Math.floor(from / 60)} * * *` };
    const words = ['copy', '--repo', name, '--from-repo', first.name, '--missed'];
    return [{ id: `copy:${name}`, kind: 'copy', schedule, words, components: [], repository: name }];
  });
}

function planDrills({ drills = [], timezone }: Configuration): PlannedJob[] {
  return drills.flatMap(({ name, schedule, components }): PlannedJob[] =>
    schedule === undefined
      ? []
      : [{ id: `drill:${name}`, kind: 'drill', schedule: readSchedule(schedule, timezone), words: ['drill', name], components }],
  );
}

function planMaintenance({ repositories, components, maintenance }: Configuration): PlannedJob[] {
  const { prune, check, checkWithinMs } = maintenance;
  const hasRules = (repository: RepositoryConfiguration): boolean =>
    repository.keep !== undefined || components.some(({ keep }) => keep !== undefined);
  return repositories.flatMap((repository): PlannedJob[] => {
    const about = { components: [], repository: repository.name };
    return [
      ...(prune === undefined || !hasRules(repository)
        ? []
        : [
            {
              id: `prune:${repository.name}`,
              kind: 'prune' as const,
              schedule: prune,
              words: ['prune', '--repo', repository.name, '--yes'],
              ...about,
            },
          ]),
      ...(check === undefined
        ? []
        : [
            {
              id: `check:${repository.name}`,
              kind: 'check' as const,
              schedule: check,
              words: ['check', '--repo', repository.name, '--read-data-subset', sliceWord],
              slices: slicesOf(check, checkWithinMs),
              ...about,
            },
          ]),
    ];
  });
}

/** How many checks come in the time in which they are to read everything. */
function slicesOf(schedule: ScheduleConfiguration, withinMs: number): number {
  const from = Date.UTC(2026, 0, 1);
  return Math.max(1, countDue(schedule, new Date(from), new Date(from + withinMs), mostSlices));
}

/** `backup:0_2_*_*_*`; what makes two schedules different makes their names different. */
function nameOfSchedule({ cron, onChange, everyMs, timezone, jitterMs, catchUp }: ScheduleConfiguration): string {
  const parts = [
    cron ?? (onChange === true ? `on-change-${formatDuration(everyMs ?? 0)}` : `every-${formatDuration(everyMs ?? 0)}`),
    ...(timezone === undefined ? [] : [timezone]),
    ...(jitterMs === undefined ? [] : [`jitter-${formatDuration(jitterMs)}`]),
    ...(catchUp === false ? ['no-catch-up'] : []),
  ];
  return parts.join('@').replaceAll(/ +/g, '_').replaceAll('/', '~');
}
