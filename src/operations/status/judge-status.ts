/** From what was gathered to what it means: objectives, anomalies, forecasts. Pure. */
import type { ComponentConfiguration, Configuration } from '../../config/configuration.ts';
import { forecastFull, type Forecast } from '../../policy/forecast.ts';
import { judgeObjectives, worstVerdict, type Measurement, type ObjectiveReport } from '../../policy/objectives.ts';
import { judgeCaptures } from './judge-captures.ts';
import type { CaptureFacts, RepositoryFacts, StatusFacts } from './status-facts.ts';
import type { ComponentStatus, DrillStatus, RepositoryStatus, StatusReport } from './status-report.ts';

type Configured = Pick<Configuration, 'application' | 'components' | 'objective' | 'drills' | 'repositories'>;

export function judgeStatus(configuration: Configured, facts: StatusFacts): StatusReport {
  // What a component was written as a part of speaks for both.
  const named = configuration.components.filter(({ partOf }) => partOf === undefined);
  const components = named.map((component) => judgeComponent(component, configuration, facts));
  const whole = judgeWhole(configuration, components, facts);
  const verdicts = [...components, ...(whole === undefined ? [] : [whole])].flatMap(({ rpo, rto }) =>
    [rpo, rto].flatMap((judgement) => (judgement === undefined ? [] : [judgement.verdict])),
  );
  return {
    application: configuration.application,
    at: facts.now,
    verdict: worstVerdict(verdicts),
    components,
    ...(whole === undefined ? {} : { whole }),
    repositories: configuration.repositories.map(({ name }) => judgeRepository(name, facts)),
    drills: (configuration.drills ?? []).map(({ name }) => judgeDrill(name, facts.repositories)),
  };
}

function judgeComponent(component: ComponentConfiguration, configuration: Configured, facts: StatusFacts): ComponentStatus {
  const names = [component.name, ...configuration.components.filter(({ partOf }) => partOf === component.name).map(({ name }) => name)];
  const found = facts.repositories.flatMap(({ components }) => components.filter(({ name }) => names.includes(name)));
  // Copies of one capture lie in several repositories, under other ids.
  const captures = distinctByTime(found.flatMap((each) => (each.name === component.name ? each.captures : [])));
  const moments = found.flatMap(({ restorable }) => (restorable === undefined ? [] : [restorable.getTime()]));
  const restorable = moments.length === 0 ? undefined : new Date(Math.max(...moments));
  const newest = captures.at(-1) ?? found.flatMap((each) => each.captures).at(-1);
  const newestProven = found
    .flatMap((each) => each.captures)
    .filter(({ proven }) => proven)
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .at(-1);
  const measurements = facts.repositories.flatMap(({ drills }) => drills.flatMap((report) => measurementsOf(report, names)));
  const moment = momentOf(component, restorable, facts);
  const [judged] = judgeObjectives(
    [
      {
        name: component.name,
        objective: component.objective ?? {},
        measurements,
        ...(moment === undefined ? {} : { restorable: moment }),
        ...(newest?.bytes === undefined ? {} : { bytes: newest.bytes }),
      },
    ],
    facts.now,
  );
  const accepted = facts.repositories.flatMap((repository) => repository.accepted);
  const { anomalies, shrunk } = judgeCaptures(component.name, captures, accepted);
  return {
    name: component.name,
    ...(newest === undefined ? {} : { newest }),
    ...(restorable === undefined ? {} : { restorable }),
    ...(newestProven === undefined ? {} : { newestProven }),
    ...judgementsOf(judged),
    anomalies,
    shrunk,
  };
}

function judgementsOf(judged: ObjectiveReport | undefined): Pick<ComponentStatus, 'rpo' | 'rto' | 'estimate'> {
  const { rpo, rto, estimate } = judged ?? {};
  return {
    ...(rpo === undefined ? {} : { rpo }),
    ...(rto === undefined ? {} : { rto }),
    ...(estimate === undefined ? {} : { estimate }),
  };
}

/** Oldest first. Of several at one moment the one that a drill has proved. */
function distinctByTime(captures: readonly CaptureFacts[]): CaptureFacts[] {
  const byTime = new Map<number, CaptureFacts>();
  for (const capture of captures) {
    const known = byTime.get(capture.at.getTime());
    const better = known === undefined || (capture.proven && !known.proven) ? capture : known;
    // Not of every copy the manifest was read.
    const tables = capture.tables ?? known?.tables;
    byTime.set(capture.at.getTime(), tables === undefined ? better : { ...better, tables });
  }
  return [...byTime.values()].toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** What drills that restored for real, and passed, took for these components. */
function measurementsOf({ kind, ended, components }: RepositoryFacts['drills'][number], names: readonly string[]): Measurement[] {
  if (kind === 'check') return [];
  return components
    .filter(({ name, verdict }) => names.includes(name) && verdict === 'proven')
    .map(({ seconds, bytes }) => ({ at: new Date(ended), durationMs: seconds * 1000, kind: 'drill', ...(bytes > 0 ? { bytes } : {}) }));
}

/** What is saved whenever it changes was, when it was last looked at, as it was saved. Where nobody looks any more it grows old like all else. */
function momentOf(
  { name, schedule }: Pick<ComponentConfiguration, 'name' | 'schedule'>,
  restorable: Date | undefined,
  { looked }: StatusFacts,
): Date | undefined {
  const look = schedule?.onChange === true ? looked?.get(name) : undefined;
  return restorable !== undefined && look !== undefined && look > restorable ? look : restorable;
}

/** The oldest of what its components can be brought back to; what whole recoveries, and drills of the whole, took. */
function judgeWhole(
  { application, objective, components: named }: Configured,
  components: readonly ComponentStatus[],
  status: StatusFacts,
): StatusReport['whole'] {
  if (objective === undefined) return undefined;
  const { repositories, now } = status;
  const moments = components.map(({ name, restorable }) => {
    const configured = named.find((component) => component.name === name);
    return (configured === undefined ? restorable : momentOf(configured, restorable, status))?.getTime();
  });
  const restorable =
    moments.length === 0 || moments.includes(undefined) ? undefined : Math.min(...moments.filter((each) => each !== undefined));
  const measurements = repositories.flatMap(({ recoveries, drills }) => [
    ...recoveries.map(({ at, seconds }): Measurement => ({ at, durationMs: seconds * 1000, kind: 'recovery' })),
    ...drills
      .filter(({ kind, verdict }) => kind === 'full' && verdict === 'proven')
      .map(({ ended, seconds }): Measurement => ({ at: new Date(ended), durationMs: seconds * 1000, kind: 'drill' })),
  ]);
  const facts = { name: application, objective, measurements, ...(restorable === undefined ? {} : { restorable: new Date(restorable) }) };
  return judgementsOf(judgeObjectives([facts], now)[0]);
}

function judgeRepository(name: string, { repositories, unreachable, now }: StatusFacts): RepositoryStatus {
  const down = unreachable.find((each) => each.name === name);
  const view = repositories.find((each) => each.name === name);
  if (view === undefined)
    return {
      name,
      drillProblems: [],
      ...(down === undefined ? {} : { unreachable: { code: down.code, reason: down.reason, hint: down.hint } }),
    };
  const captures = view.components.flatMap(({ captures: each }) => each);
  const newest = captures.length === 0 ? undefined : new Date(Math.max(...captures.map(({ at }) => at.getTime())));
  const forecast = forecastOf(view, now);
  return {
    name,
    location: view.location,
    points: new Set(captures.map(({ point }) => point)).size,
    ...(newest === undefined ? {} : { newest }),
    ...(view.space === undefined ? {} : { space: view.space }),
    ...(forecast === undefined ? {} : { forecast }),
    drillProblems: view.drillProblems,
  };
}

/** By what points added: what else fills the disk is not seen, and what prune frees makes it later. */
export function forecastOf({ space, growth }: Pick<RepositoryFacts, 'space' | 'growth'>, now: Date): Forecast | undefined {
  if (space === undefined) return undefined;
  const used = space.capacity - space.free;
  let later = growth.reduce((sum, { added }) => sum + added, 0);
  const samples = growth.map(({ at, added }) => {
    later -= added;
    return { at, used: used - later };
  });
  return forecastFull(samples, space.capacity, now);
}

function judgeDrill(name: string, repositories: readonly RepositoryFacts[]): DrillStatus {
  const reports = repositories
    .flatMap(({ drills }) => drills.filter(({ drill }) => drill === name))
    .toSorted((a, b) => Date.parse(b.ended) - Date.parse(a.ended));
  const [last] = reports;
  const proven = reports.find(({ verdict }) => verdict === 'proven');
  return {
    name,
    ...(last === undefined ? {} : { last: { id: last.id, at: new Date(last.ended), verdict: last.verdict, seconds: last.seconds } }),
    ...(proven === undefined ? {} : { lastProven: new Date(proven.ended) }),
  };
}
