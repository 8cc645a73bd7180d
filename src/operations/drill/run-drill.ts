/** Restores a point for real, compares it with what was saved, measures, leaves a report, and takes everything away again. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Configuration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, reasonOf, toHoldfastError } from '../../errors.ts';
import { currentUser } from '../../util/current-user.ts';
import { readVersion } from '../../util/program-version.ts';
import { createTools, type ApplicationContext } from '../application/application-tools.ts';
import { formatLimit } from '../application/run-command.ts';
import { type LockChoice, withReadLock } from '../open-session.ts';
import { withScratchFolder } from '../point-in-time/scratch-folder.ts';
import { applicationOf } from '../points.ts';
import { configurationOfPoint } from './configuration-of-point.ts';
import { describeError, verdictOf } from './drill-component.ts';
import { createMark } from './drill-mark.ts';
import { noteDrill } from './drill-note.ts';
import { boundLines, type DrillReport } from './drill-report.ts';
import { DrillRoom, type DrillRun } from './drill-run.ts';
import { keepLocalReport } from './keep-local-report.ts';
import { planDrill, type DrillPlan, type DrillRequest } from './plan-drill.ts';
import { keepDrillReport } from './report-chain.ts';
import { doDrill, type DrillOutcome } from './do-drill.ts';
import { sweepForgotten } from './sweep-forgotten.ts';

export interface DrillOrder extends DrillRequest {
  readonly repository: Repository;
  readonly lock: LockChoice;
  readonly dryRun: boolean;
  /** Who asked: `person`, `schedule`, `api`. */
  readonly trigger: string;
  /** Shown the plan before anything is done. */
  readonly onPlan: (plan: DrillPlan) => void;
}

export interface DrillResult {
  readonly plan: DrillPlan;
  /** Absent where nothing was to be done. */
  readonly report?: Omit<DrillReport, 'previous'>;
  /** The name of its object in the repository; absent where it could not be kept there. */
  readonly kept?: string;
  /** What could not be taken away, a line each. */
  readonly left: readonly string[];
}

/** How long work that was told to stop may take before what it works on is taken away. */
const graceMs = 20_000;

/**
 * Drills. What is disproved or cannot be tried is in the report. Without a configuration that of the point is taken, where it has one. Throws `snapshot-missing`,
 * `component-unknown`, `drill-not-possible`, `recovery-directory`, `interrupted`.
 */
export function runDrill(configuration: Configuration | undefined, order: DrillOrder, context: ApplicationContext): Promise<DrillResult> {
  const { repository, lock, drill } = order;
  return withReadLock({
    repository,
    lock,
    context,
    work: async ({ events, signal }) => {
      const locked = { ...context, events, signal };
      const { plan, tools } = await prepare(configuration, order, locked);
      if (drill.kind !== 'full' && plan.components.length === 0)
        throw new HoldfastError('snapshot-missing', { name: order.point ?? 'latest', reason: 'there is nothing in it to restore' });
      order.onPlan(plan);
      return order.dryRun ? { plan, left: [] } : carryOut(tools, plan, order, locked);
    },
  });
}

interface PreparedDrill {
  readonly plan: DrillPlan;
  readonly tools: DrillTools;
}

interface DrillTools {
  readonly configuration: Configuration;
  /** Whether its servers and volumes are those of this machine. */
  readonly isOwn: boolean;
}

/** A configuration that comes from the point may be another machine's: no live server is touched then. */
async function prepare(configuration: Configuration | undefined, order: DrillOrder, context: ApplicationContext): Promise<PreparedDrill> {
  const { repository, drill } = order;
  const first = await planDrill(repository, order, configuration, context.events);
  if (configuration !== undefined) return { plan: first, tools: { configuration, isOwn: true } };
  if (drill.kind === 'full')
    throw new HoldfastError('drill-not-possible', {
      what: 'the whole application',
      reason: 'there is no configuration here',
      remedy: 'Give -c FILE',
    });
  const known = await configurationOfPoint(repository, first.point, context);
  const plan = await planDrill(repository, { ...order, drill: { ...drill, into: 'cluster' } }, known, () => {});
  return { plan, tools: { configuration: known, isOwn: false } };
}

async function carryOut(
  { configuration, isOwn }: DrillTools,
  plan: DrillPlan,
  order: DrillOrder,
  context: ApplicationContext,
): Promise<DrillResult> {
  const { clock, stateFolder } = context;
  const began = clock.now();
  const mark = await createMark();
  await sweepForgotten(createTools(isOwn ? configuration : { ...configuration, components: [] }, context));
  const forget = await noteDrill(stateFolder, mark, configuration.application, began);
  const left: string[] = [];
  const isForServer = plan.components.some(
    ({ kind, source }) => kind === 'postgres-base' || (kind === 'postgres' && isAlone(plan, source)),
  );
  const inFolder = async (folder: string): Promise<DrillOutcome> => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), plan.drill.withinMs);
    const limited = { ...context, signal: AbortSignal.any([context.signal, limit.signal]) };
    const room = new DrillRoom(folder);
    const run: DrillRun = {
      repository: order.repository,
      drill: plan.drill,
      tools: createTools(configuration, limited),
      context: limited,
      mark,
      room,
      places: { databases: [], folders: new Map() },
    };
    try {
      return await doInTime(run, plan, limit.signal);
    } finally {
      clearTimeout(timer);
      left.push(...(await room.clear()));
    }
  };
  let outcome: DrillOutcome;
  try {
    outcome = await withScratchFolder(context, inFolder, { forServer: isForServer });
  } finally {
    for (const line of left) context.events({ type: 'problem', path: mark.text, reason: line });
    if (left.length === 0) await forget();
  }
  const report = makeReport(plan, order, outcome, began, clock.now());
  await keepLocalReport(stateFolder, report).catch((error: unknown) => tellUnkept(context, 'the state folder', error));
  const kept = await keepDrillReport(order.repository, report).catch((error: unknown) => tellUnkept(context, 'the repository', error));
  return { plan, report, left, ...(kept === undefined ? {} : { kept: kept.name }) };
}

/** Whether a dump goes to a server of the drill's own. */
function isAlone({ drill }: DrillPlan, source: DrillPlan['components'][number]['source']): boolean {
  return drill.into === 'cluster' || source?.kind !== 'postgres';
}

function tellUnkept({ events }: ApplicationContext, place: string, error: unknown): undefined {
  events({ type: 'notice', message: `The report is not kept in ${place}: ${reasonOf(error)}.` });
}

/** Never throws for what the drill finds; throws `interrupted`. */
async function doInTime(run: DrillRun, plan: DrillPlan, limit: AbortSignal): Promise<DrillOutcome> {
  const { context, drill } = run;
  const nothing: DrillOutcome = { components: [], steps: [], assertions: [], findings: [] };
  let sofar = nothing;
  const work = doDrill(run, plan, (outcome) => (sofar = outcome));
  try {
    return await Promise.race([work, aborted(context.signal)]);
  } catch (thrown) {
    const isLate = limit.aborted;
    await Promise.race([work.catch(() => {}), sleep(context.signal.aborted ? graceMs : 0, undefined, { ref: false })]);
    if (!isLate && context.signal.aborted)
      throw context.signal.reason instanceof HoldfastError ? context.signal.reason : new HoldfastError('interrupted');
    const what = plan.point.id.slice(0, 8);
    const error = isLate
      ? new HoldfastError('drill-late', { what: `the point ${what}`, limit: formatLimit(drill.withinMs) })
      : toHoldfastError(thrown);
    return { ...sofar, error: describeError(error, run), verdict: verdictOf(error) };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new HoldfastError('interrupted', {}, signal.reason));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

function makeReport(
  { drill, point, remarks }: DrillPlan,
  { repository, trigger }: DrillOrder,
  { components, steps, assertions, findings, remarks: learnt = [], error, verdict }: DrillOutcome,
  began: Date,
  ended: Date,
): Omit<DrillReport, 'previous'> {
  const verdicts = [...(verdict === undefined ? [] : [verdict]), ...components.map((each) => each.verdict)];
  const isDisproved = verdicts.includes('disproved') || assertions.some(({ passed }) => !passed) || findings.length > 0;
  return {
    format: 1,
    id: randomBytes(8).toString('hex'),
    application: applicationOf(point) ?? null,
    drill: drill.name === '' ? null : drill.name,
    kind: drill.kind,
    repository: { id: repository.config.id, location: repository.location },
    point: { id: point.id, time: point.time, host: point.host },
    began: began.toISOString(),
    ended: ended.toISOString(),
    seconds: Math.max(0, ended.getTime() - began.getTime()) / 1000,
    withinSeconds: drill.withinMs / 1000,
    verdict: isDisproved ? 'disproved' : verdicts.includes('failed') ? 'failed' : 'proven',
    by: { user: currentUser().username, host: hostname(), trigger: trigger.slice(0, 100) },
    versions: { holdfast: readVersion(), node: process.versions.node },
    components: [...components],
    steps: steps.slice(0, 10_000),
    assertions: [...assertions],
    findings: boundLines(findings),
    remarks: boundLines([...remarks, ...learnt]),
    ...(error === undefined ? {} : { error }),
  };
}
