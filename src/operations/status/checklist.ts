/** The questions that people tick by hand every day, week and month, answered from what is known. Pure. */
import type { RunRecord } from '../../catalog/run-record.ts';
import type { Configuration } from '../../config/configuration.ts';
import { sayDuration } from '../../policy/say-duration.ts';
import { parseStorageAddress } from '../../storage/storage-address.ts';
import { lastDue } from '../../policy/schedule.ts';
import type { StatusFacts } from './status-facts.ts';
import type { StatusReport } from './status-report.ts';

export type Answer = 'yes' | 'no' | 'unknown';

export interface ChecklistItem {
  /** Stays the same from version to version. */
  readonly id: string;
  readonly period: 'daily' | 'weekly' | 'monthly';
  readonly question: string;
  readonly answer: Answer;
  /** What the answer rests on, a sentence without its full stop. */
  readonly why: string;
}

export interface ChecklistFacts {
  readonly configuration: Pick<Configuration, 'application' | 'components' | 'repositories' | 'drills'>;
  readonly status: StatusReport;
  readonly facts: StatusFacts;
  /** Of this configuration on this host, newest first. */
  readonly runs: readonly RunRecord[];
}

const hour = 3_600_000;
const day = 24 * hour;
/** A run begins a little late, and takes its time. */
const graceMs = 6 * hour;
const restoreWithinMs = 35 * day;
const recoveryWithinMs = 366 * day;
const freeShare = 0.05;
const fullWithinMs = 30 * day;

type Found = Pick<ChecklistItem, 'answer' | 'why'>;

export function makeChecklist(known: ChecklistFacts): readonly ChecklistItem[] {
  const item = (period: ChecklistItem['period'], id: string, question: string, { answer, why }: Found): ChecklistItem => ({
    id,
    period,
    question,
    answer,
    why,
  });
  return [
    item('daily', 'backups-ran', 'Did every backup run that was due?', backupsRan(known)),
    item('daily', 'backups-well', 'Did they end well?', endedWell(known)),
    item('daily', 'size', 'Is what they saved as large as it should be?', isReasonable(known)),
    item('daily', 'old-removed', 'Are old points removed as the rules say?', prunes(known)),
    item('weekly', 'integrity', 'Is the repository whole?', checked(known)),
    item('weekly', 'restore', 'Was a backup restored, and right?', restored(known)),
    item('weekly', 'space', 'Is there room for more?', hasRoom(known)),
    item('weekly', 'errors', 'Did nothing fail in seven days?', failures(known)),
    item('monthly', 'whole', 'Is there a point of the whole application?', isWhole(known)),
    item('monthly', 'off-site', 'Is a fresh copy off-site?', isOffSite(known)),
    item('monthly', 'recovery', 'Was the whole application recovered, within a year?', recovered(known)),
    item('monthly', 'objectives', 'Is every objective met?', objectivesMet(known)),
  ];
}

const yes = (why: string): Found => ({ answer: 'yes', why });
const no = (why: string): Found => ({ answer: 'no', why });
const unknown = (why: string): Found => ({ answer: 'unknown', why });

function agoText(at: Date, now: Date): string {
  return `${sayDuration(Math.max(0, now.getTime() - at.getTime()))} ago`;
}

/** What is looked at on change is saved only then: no time says that it should have been. */
function backupsRan({ configuration, status }: ChecklistFacts): Found {
  const scheduled = configuration.components.filter(({ schedule, partOf }) => schedule !== undefined && partOf === undefined);
  if (scheduled.length === 0) return unknown('no component has a schedule');
  const late = scheduled.filter(({ name, schedule = {} }) => {
    if (schedule.onChange === true) return false;
    const due = lastDue(schedule, new Date(status.at.getTime() - graceMs));
    const newest = status.components.find((component) => component.name === name)?.newest;
    return due !== undefined && (newest === undefined || newest.at < due);
  });
  if (late.length > 0) return no(`${late.map(({ name }) => name).join(', ')} ${late.length === 1 ? 'was' : 'were'} not saved when due`);
  return yes(`${scheduled.map(({ name }) => name).join(', ')}: saved since they were due last`);
}

function endedWell({ runs, status }: ChecklistFacts): Found {
  const last = runs.find(({ kind, ended }) => kind === 'backup' && ended !== undefined);
  if (last?.ended === undefined) return unknown('this host remembers no backup');
  const when = agoText(last.ended, status.at);
  if (last.status === 'done') return yes(`the last one ended well ${when}`);
  return no(
    `the last one ended ${when} and was ${last.status}${last.error === undefined ? '' : `: ${last.error.message.replace(/\.$/, '')}`}`,
  );
}

function isReasonable({ status }: ChecklistFacts): Found {
  const odd = status.components.flatMap(({ name, anomalies }) =>
    anomalies.filter(({ severity }) => severity !== 'info').map(({ sentence }) => `${name}: ${sentence}`),
  );
  if (odd.length > 0) return no(`${odd.slice(0, 5).join('; ')}${odd.length > 5 ? `; and ${odd.length - 5} more` : ''}`);
  return status.components.some(({ newest }) => newest !== undefined)
    ? yes('it is like what was saved before')
    : unknown('nothing was saved yet');
}

function prunes({ configuration, runs, status }: ChecklistFacts): Found {
  const hasRules = [...configuration.repositories, ...configuration.components].some(({ keep }) => keep !== undefined);
  if (!hasRules) return unknown('there are no rules: everything stays');
  return within(runs, 'prune', 8 * day, status.at);
}

function checked({ runs, status }: ChecklistFacts): Found {
  return within(runs, 'check', 8 * day, status.at);
}

function within(runs: readonly RunRecord[], kind: RunRecord['kind'], milliseconds: number, now: Date): Found {
  const last = runs.find((run) => run.kind === kind && run.ended !== undefined);
  if (last?.ended === undefined) return unknown(`this host remembers no ${kind}`);
  const when = agoText(last.ended, now);
  if (last.status !== 'done') return no(`the last ${kind} ${when} was ${last.status}`);
  return now.getTime() - last.ended.getTime() > milliseconds
    ? no(`the last ${kind} was ${when}`)
    : yes(`the last ${kind} was well ${when}`);
}

function restored({ facts }: ChecklistFacts): Found {
  const drills = facts.repositories.flatMap(({ drills: all }) => all.filter(({ kind }) => kind !== 'check'));
  return newestOf(drills, restoreWithinMs, facts.now, 'test restore');
}

function newestOf(
  drills: readonly { readonly ended: string; readonly verdict: string }[],
  withinMs: number,
  now: Date,
  what: string,
): Found {
  const [newest] = drills.toSorted((a, b) => Date.parse(b.ended) - Date.parse(a.ended));
  if (newest === undefined) return no(`there was no ${what} yet: holdfast drill`);
  const at = new Date(newest.ended);
  if (newest.verdict !== 'proven') return no(`the last ${what}, ${agoText(at, now)}, was ${newest.verdict}`);
  if (now.getTime() - at.getTime() > withinMs) return no(`the last ${what} was ${agoText(at, now)}`);
  return yes(`the last ${what} passed ${agoText(at, now)}`);
}

function hasRoom({ status }: ChecklistFacts): Found {
  const known = status.repositories.filter(({ space }) => space !== undefined);
  const tight = known.filter(
    ({ space, forecast }) =>
      (space !== undefined && space.free < space.capacity * freeShare) ||
      (forecast?.full !== undefined && forecast.full.getTime() - status.at.getTime() < fullWithinMs),
  );
  if (tight.length > 0) return no(`${tight.map(({ name }) => name).join(', ')}: nearly full, or will be within a month`);
  return known.length === 0
    ? unknown('the places do not say how much room they have')
    : yes(`${known.map(({ name }) => name).join(', ')}: there is`);
}

function failures({ runs, status }: ChecklistFacts): Found {
  const recent = runs.filter(({ began }) => status.at.getTime() - began.getTime() < 7 * day);
  if (recent.length === 0) return unknown('this host remembers no run of the last seven days');
  const bad = recent.filter(({ status: end }) => end === 'failed' || end === 'interrupted' || end === 'partial');
  if (bad.length === 0) return yes(`${recent.length} runs, none of them failed`);
  return no(`${bad.length} of ${recent.length} runs: ${[...new Set(bad.map(({ kind }) => kind))].join(', ')}; see: holdfast history`);
}

function isWhole({ status }: ChecklistFacts): Found {
  const missing = status.components.filter(({ newest }) => newest === undefined).map(({ name }) => name);
  return missing.length === 0 ? yes('every component is saved') : no(`${missing.join(', ')}: never saved`);
}

/** Off-site is what is not a folder of this machine. */
function isOffSite({ configuration, status }: ChecklistFacts): Found {
  const away = configuration.repositories.filter(({ url }) => parseStorageAddress(url).scheme !== 'local');
  if (away.length === 0) return no('every repository is a folder of this machine');
  const newest = Math.max(...status.repositories.map((repository) => repository.newest?.getTime() ?? 0));
  const fresh = status.repositories.filter(
    (repository) => away.some(({ name }) => name === repository.name) && newest > 0 && newest - (repository.newest?.getTime() ?? 0) < day,
  );
  return fresh.length > 0
    ? yes(`${fresh.map(({ name }) => name).join(', ')}: as new as the newest`)
    : no(`${away.map(({ name }) => name).join(', ')}: older than the newest by a day, or not to be reached`);
}

function recovered({ facts }: ChecklistFacts): Found {
  const whole = facts.repositories.flatMap(({ drills, recoveries }) => [
    ...drills.filter(({ kind }) => kind === 'full'),
    ...recoveries.map(({ at }) => ({ ended: at.toISOString(), verdict: 'proven' })),
  ]);
  return newestOf(whole, recoveryWithinMs, facts.now, 'recovery of the whole, or full drill');
}

function objectivesMet({ status }: ChecklistFacts): Found {
  const judged = [...status.components, ...(status.whole === undefined ? [] : [{ name: 'everything', ...status.whole }])].flatMap(
    ({ name, rpo, rto }) => [rpo, rto].flatMap((judgement) => (judgement === undefined ? [] : [{ name, ...judgement }])),
  );
  if (judged.length === 0) return unknown('nothing was promised: write objectives into the configuration');
  const missed = judged.filter(({ verdict }) => verdict === 'missed');
  if (missed.length > 0) return no(missed.map(({ name, sentence }) => `${name}: ${sentence}`).join('; '));
  const open = judged.filter(({ verdict }) => verdict === 'unknown');
  return open.length > 0
    ? unknown(open.map(({ name, sentence }) => `${name}: ${sentence}`).join('; '))
    : yes(`${judged.length} of them are`);
}
