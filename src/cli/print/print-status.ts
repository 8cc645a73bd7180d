/** How an application stands, as text. */
import type { Judgement } from '../../policy/objectives.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import type { FoundAnomaly } from '../../operations/status/judge-captures.ts';
import type { ComponentStatus, DrillStatus, RepositoryStatus, StatusReport } from '../../operations/status/status-report.ts';
import { formatCount, formatMoment, formatSeconds, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function textOfStatus(report: StatusReport): string {
  const { application, at, components, whole, repositories, drills } = report;
  const rows = [...components.map((each) => rowOf(each.name, each, at)), ...(whole === undefined ? [] : [rowOf('everything', whole, at)])];
  return [
    `${printable(application)}: ${summaryOf(report)}`,
    formatTable(['component', 'newest moment', 'may be lost', 'would take', 'promised', 'proven'], rows),
    formatTable(['repository', 'points', 'newest', 'free', 'full'], repositories.map(repositoryRow)),
    ...(drills.length === 0 ? [] : [formatTable(['drill', 'last', 'result', 'took'], drills.map(drillRow))]),
    ...remarksOf(report),
  ].join('\n\n');
}

function summaryOf({ verdict, components, repositories }: StatusReport): string {
  const down = repositories.filter(({ unreachable }) => unreachable !== undefined).length;
  if (down > 0) return `${formatCount(down, 'repository', 'repositories')} cannot be reached`;
  const suspect = components.filter(({ shrunk }) => shrunk).map(({ name }) => printable(name));
  if (suspect.length > 0) return `the newest backup of ${suspect.join(', ')} is SUSPECT`;
  const isPromised = components.some(({ rpo, rto }) => rpo !== undefined || rto !== undefined);
  if (verdict === 'missed') return 'an objective is MISSED';
  if (verdict === 'unknown') return 'not everything that was promised has been measured';
  return isPromised ? 'every objective is met' : 'nothing was promised: write objectives into the configuration';
}

function rowOf(name: string, status: Partial<ComponentStatus>, now: Date): string[] {
  const { restorable, newestProven, rpo, rto, estimate } = status;
  const age = restorable === undefined ? undefined : Math.max(0, now.getTime() - restorable.getTime());
  const measured = rto?.measuredMs ?? estimate?.medianMs;
  const promised = [rpo, rto].map((judgement) => (judgement === undefined ? '–' : sayDuration(judgement.targetMs))).join(' / ');
  return [
    printable(name),
    restorable === undefined ? (rpo === undefined && status.name === undefined ? '' : 'none') : formatMoment(restorable),
    `${age === undefined ? (rpo?.measuredMs === undefined ? '' : sayDuration(rpo.measuredMs)) : sayDuration(age)}${markOf(rpo)}`,
    `${measured === undefined ? '?' : sayDuration(measured)}${markOf(rto)}`,
    rpo === undefined && rto === undefined ? '' : promised,
    newestProven === undefined ? (status.name === undefined ? '' : 'never') : formatMoment(newestProven.at),
  ];
}

function markOf(judgement: Judgement | undefined): string {
  if (judgement === undefined) return '';
  return { met: ' ok', missed: ' MISSED', unknown: ' ?' }[judgement.verdict];
}

function repositoryRow({ name, points, newest, unreachable, space, forecast }: RepositoryStatus): string[] {
  if (unreachable !== undefined) return [printable(name), 'DOWN', '', '', ''];
  return [
    printable(name),
    String(points ?? 0),
    newest === undefined ? 'none' : formatMoment(newest),
    space === undefined ? '' : formatSize(space.free),
    forecast?.full === undefined ? '' : `about ${formatMoment(forecast.full).slice(0, 10)}`,
  ];
}

function drillRow({ name, last }: DrillStatus): string[] {
  if (last === undefined) return [printable(name), 'never', '', ''];
  return [
    printable(name),
    formatMoment(last.at),
    last.verdict === 'proven' ? 'proven' : last.verdict.toUpperCase(),
    formatSeconds(last.seconds),
  ];
}

/** Of a component: a database that was emptied may have thousands of tables. */
const mostAnomalies = 20;

/** What a table has no room for: a sentence each. */
function remarksOf({ components, whole, repositories, changes = [] }: StatusReport): string[] {
  const missed = [...components, ...(whole === undefined ? [] : [{ name: 'everything', anomalies: [], ...whole }])].flatMap(
    ({ name, rpo, rto }) =>
      [rpo, rto].flatMap((judgement) =>
        judgement === undefined || judgement.verdict === 'met' ? [] : [`${printable(name)}: ${judgement.sentence}.`],
      ),
  );
  const odd = components.flatMap(({ name, anomalies }) => [
    ...anomalies
      .slice(0, mostAnomalies)
      .map((anomaly) => `${printable(name)}: ${wordOf(anomaly)}${printable(anomaly.sentence)}. [${anomaly.id}]`),
    ...(anomalies.length > mostAnomalies ? [`${printable(name)}: and ${anomalies.length - mostAnomalies} more (--json lists them).`] : []),
  ]);
  const [suspect] = components.filter(({ shrunk }) => shrunk);
  const accept =
    suspect === undefined
      ? []
      : [
          `Where that is meant: holdfast status --accept ${printable(suspect.name)}. Until then it displaces nothing that was saved before it.`,
        ];
  const places = repositories.flatMap(({ name, unreachable, drillProblems }) => [
    ...(unreachable === undefined ? [] : [`${printable(name)}: ${unreachable.reason} ${unreachable.hint}`]),
    ...drillProblems.map((problem) => `${printable(name)}: ${printable(problem)}.`),
  ]);
  const changed = changes.map(({ id, component, repository, severity, sentence }) => {
    return `${printable(component ?? repository ?? '')}: ${severity === 'critical' ? 'CRITICAL: ' : ''}${printable(sentence)}. [${id}]`;
  });
  const all = [...missed, ...odd, ...accept, ...changed, ...places];
  return all.length === 0 ? [] : [all.join('\n')];
}

function wordOf({ severity }: FoundAnomaly): string {
  return severity === 'critical' ? 'CRITICAL: ' : '';
}
