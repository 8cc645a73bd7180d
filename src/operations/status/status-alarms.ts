/** What people are told about how an application stands. Pure. */
import type { Alarm } from '../../observe/notify/alarm.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import type { StatusRecord } from './status-record.ts';

/** A disk that will be full within this time. */
const soonMs = 14 * 86_400_000;
/** In which the first backup of nearly every schedule has run. */
const firstBackupMs = 25 * 3_600_000;
const leastFreeShare = 0.05;
/** A copy comes with each backup, or in the night after it. */
const copyWithinMs = 26 * 3_600_000;
/** Tables, of a database that was emptied. */
const mostMessages = 5;
/** A clock may be a little ahead of another. */
const skewMs = 5 * 60_000;
/** The beginnings of the keys that are raised here: what is open under them and not raised any more is over. */
export const statusAlarmPrefixes = ['objective:', 'anomaly:', 'clock:', 'space:', 'repository:', 'copy-behind:', 'drill-chain:'] as const;

/**
 * All that is wrong now. What is only worth knowing is left to `holdfast status`.
 * @param since when the application was first watched: before it is older than what was promised, that nothing was saved yet is no alarm
 */
export function alarmsOfStatus(status: StatusRecord, since: Date): readonly Alarm[] {
  const { application, components, whole, repositories } = status;
  const at = new Date(status.time);
  const about = { application, at, watchedMs: at.getTime() - since.getTime() };
  return [
    ...components.flatMap((component) => [
      ...objectiveAlarms(component, about, component.name),
      ...anomalyAlarms(component, about),
      ...clockAlarms(component, about),
    ]),
    ...(whole === undefined ? [] : objectiveAlarms(whole, about)),
    ...repositories.flatMap((repository) => repositoryAlarms(repository, about)),
    ...copyAlarms(repositories, since, about),
    ...(status.changes ?? []).map((change) => changeAlarm(change, about)),
  ];
}

type About = Pick<Alarm, 'application' | 'at'> & { readonly watchedMs: number };

const objectiveNames = { rpo: 'More may be lost than was promised', rto: 'Getting it back takes longer than was promised' } as const;

function objectiveAlarms({ rpo, rto }: NonNullable<StatusRecord['whole']>, { watchedMs, ...about }: About, component?: string): Alarm[] {
  return Object.entries({ rpo, rto }).flatMap(([objective, judgement]) => {
    // What was never measured is for the drill to say, not an alarm in the night.
    if (judgement?.verdict !== 'missed') return [];
    if (judgement.measured_seconds === undefined && watchedMs < judgement.target_seconds * 1000) return [];
    const name = objective === 'rpo' ? objectiveNames.rpo : objectiveNames.rto;
    return [
      {
        ...about,
        key: `objective:${objective}:${component ?? '*'}`,
        event: 'objective',
        severity: objective === 'rpo' ? 'critical' : 'warning',
        ...(component === undefined ? {} : { component }),
        title: `${name}: ${component ?? about.application}`,
        text: `${judgement.message}. See: holdfast status`,
        facts: {},
      },
    ];
  });
}

function anomalyAlarms({ name, newest, anomalies }: StatusRecord['components'][number], { watchedMs: _watched, ...about }: About): Alarm[] {
  const told = anomalies.filter(({ severity }) => severity !== 'info');
  return [...Map.groupBy(told, ({ metric }) => metric)].map(([metric, found]): Alarm => {
    const messages = found.slice(0, mostMessages).map(({ message }) => message);
    const more = found.length > messages.length ? `; and ${found.length - messages.length} more` : '';
    return {
      ...about,
      key: `anomaly:${metric}:${name}`,
      event: 'anomaly',
      severity: found.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
      component: name,
      title: `The newest backup of ${name} is not like those before it`,
      text: `${messages.join('; ')}${more}. It is kept, and so are those before it. Look at what is backed up before you trust it. Where it is meant: holdfast status --accept ${name}`,
      facts: newest === undefined ? {} : { point: newest.point },
    };
  });
}

const changeTitles = {
  'repository-replaced': 'The repository is another one than before',
  'points-gone': 'Points are gone that nobody deleted',
  'log-lost': 'Moments that could be restored no longer can',
  'component-dropped': 'A component is not saved any more',
  'file-emptied': 'A configuration file is empty',
} as const;

function changeAlarm(
  { id, kind, component, repository, severity, message, since }: NonNullable<StatusRecord['changes']>[number],
  { watchedMs: _watched, ...about }: About,
): Alarm {
  const what = component ?? repository ?? '';
  return {
    ...about,
    key: `anomaly:${kind}:${what}`,
    event: 'anomaly',
    severity,
    ...(component === undefined ? {} : { component }),
    title: `${changeTitles[kind]}: ${what}`,
    text: `${message}. It is told for a week. Where it is meant: holdfast status --accept ${id}`,
    facts: { since, ...(repository === undefined ? {} : { repository }) },
  };
}

/** What is judged by age is judged wrongly then: such a point would hide for long that nothing is saved any more. */
function clockAlarms({ name, newest }: StatusRecord['components'][number], { watchedMs: _watched, ...about }: About): Alarm[] {
  if (newest === undefined) return [];
  const aheadMs = Date.parse(newest.time) - about.at.getTime();
  if (aheadMs <= skewMs) return [];
  return [
    {
      ...about,
      key: `clock:${name}`,
      event: 'anomaly',
      severity: 'critical',
      component: name,
      title: `The newest backup of ${name} says to be of the future`,
      text: `It says that it was made at ${newest.time}, ${sayDuration(aheadMs)} from now: the clock of this machine is wrong, or was. Its age and what retention keeps cannot be relied on. Set the clock; a point that was made by a wrong one goes with: holdfast forget ${newest.point}`,
      facts: { point: newest.point },
    },
  ];
}

/** Copies are brought by each backup: where one repository stays behind the others, they are not. */
function copyAlarms(repositories: StatusRecord['repositories'], since: Date, { watchedMs: _watched, ...about }: About): Alarm[] {
  const moments = repositories.flatMap(({ newest }) => (newest === undefined ? [] : [Date.parse(newest)]));
  const newestOfAll = Math.max(...moments);
  return repositories.flatMap(({ name, reachable, newest }): Alarm[] => {
    const reached = newest === undefined ? since.getTime() : Date.parse(newest);
    const behindMs = newestOfAll - reached;
    // One that cannot be reached is told of as such.
    if (!reachable || !(behindMs > copyWithinMs)) return [];
    const has = newest === undefined ? 'It has no point yet' : `Its newest point is of ${newest}`;
    return [
      {
        ...about,
        key: `copy-behind:${name}`,
        event: 'missed',
        severity: 'warning',
        title: `The repository ${name} does not get its copies`,
        text: `${has}, and the newest of all is ${sayDuration(behindMs)} ahead of it. If the others are lost, so is what came since. Bring it what it missed: holdfast copy --repo ${name} --from-repo ${sourceOf(repositories, newestOfAll)} --missed`,
        facts: { repository: name },
      },
    ];
  });
}

function sourceOf(repositories: StatusRecord['repositories'], newestOfAll: number): string {
  return repositories.find(({ newest }) => newest !== undefined && Date.parse(newest) === newestOfAll)?.name ?? '';
}

function repositoryAlarms(repository: StatusRecord['repositories'][number], { watchedMs, ...about }: About): Alarm[] {
  const { name, reachable, message = '', hint = '', drill_problems: problems } = repository;
  const down: Alarm = {
    ...about,
    key: `repository:${name}`,
    event: 'failure',
    severity: 'critical',
    title: `The repository ${name} cannot be read`,
    text: `${message} ${hint}`.trim(),
    facts: { repository: name },
  };
  const [problem] = problems;
  return [
    // The first backup makes it.
    ...(reachable || (repository.error === 'repository-missing' && watchedMs < firstBackupMs) ? [] : [down]),
    ...spaceAlarms(repository, about),
    ...(problem === undefined
      ? []
      : [
          {
            ...about,
            key: `drill-chain:${name}`,
            event: 'drill' as const,
            severity: 'warning' as const,
            title: `Reports of drills in ${name} are missing or were changed`,
            text: `${problem}. See: holdfast drill --report --all`,
            facts: { repository: name },
          },
        ]),
  ];
}

function spaceAlarms({ name, free, capacity, full }: StatusRecord['repositories'][number], about: Omit<About, 'watchedMs'>): Alarm[] {
  if (free === undefined || capacity === undefined) return [];
  const isLow = free < capacity * leastFreeShare;
  const isSoon = full !== undefined && Date.parse(full) - about.at.getTime() < soonMs;
  if (!isLow && !isSoon) return [];
  const rest = `${Math.floor((100 * free) / Math.max(1, capacity))} % of its disk are free`;
  return [
    {
      ...about,
      key: `space:${name}`,
      event: 'space',
      severity: isLow ? 'critical' : 'warning',
      title: isLow ? `The disk of the repository ${name} is nearly full` : `The disk of the repository ${name} will soon be full`,
      text: `${rest}${full === undefined ? '' : `; as it grows now it is full about ${full.slice(0, 10)}`}. Make room, or keep less: holdfast prune --dry-run shows what could go.`,
      facts: { repository: name },
    },
  ];
}
