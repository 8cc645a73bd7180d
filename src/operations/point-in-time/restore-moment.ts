/** Goes back to a moment: plan, show, ask, do. In a new folder, in place, or only some tables into the live database. */
import type { Configuration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { createTools } from '../application/application-tools.ts';
import { readRestoreTimes, rememberRestoreTime } from '../application/restore-times.ts';
import { type LockChoice, withReadLock } from '../open-session.ts';
import type { ServerInContainer } from './find-container.ts';
import { findLive } from './find-live.ts';
import type { MomentPlan } from './moment-plan.ts';
import { planMoment, type MomentRequest } from './plan-moment.ts';
import { recoverBeside, type BesideRequest, type MomentReport } from './recover-beside.ts';
import { planInPlace, recoverInPlace, type InPlacePlan, type InPlaceReport } from './recover-in-place.ts';
import { recoverTables, type TablesReport, type TablesRequest } from './recover-tables.ts';
import type { MomentContext } from './run-plan.ts';

export type Destination =
  | ({ readonly kind: 'beside' } & Omit<BesideRequest, 'superusers' | 'inside'>)
  | { readonly kind: 'in place'; readonly amcheck: boolean; readonly tablespaces: ReadonlyMap<string, string> }
  | ({ readonly kind: 'tables' } & Pick<TablesRequest, 'tables' | 'restore' | 'programs'>);

export interface RestoreMomentRequest extends Omit<MomentRequest, 'last'> {
  readonly destination: Destination;
  readonly configuration?: Configuration;
  /** The live server and database, where no configuration says them. */
  readonly url?: string;
  readonly lock: LockChoice;
  readonly dryRun: boolean;
  /** Shown everything before anything is done; false ends without doing anything. */
  readonly confirm: (plan: ShownMomentPlan) => Promise<boolean>;
}

export interface ShownMomentPlan {
  readonly moment: MomentPlan;
  readonly destination: Destination;
  readonly inPlace?: InPlacePlan;
  /** Services that stand still meanwhile, beside the server's own. */
  readonly stops: readonly string[];
  /** The database that tables go into. */
  readonly database?: string;
}

export type MomentResult =
  | { readonly kind: 'beside'; readonly plan: MomentPlan; readonly report: MomentReport }
  | { readonly kind: 'in place'; readonly plan: MomentPlan; readonly report: InPlaceReport }
  | { readonly kind: 'tables'; readonly plan: MomentPlan; readonly report: TablesReport };

/** Undefined where nothing was to be done. Throws what planning, assembling and replaying throw. */
export function restoreMoment(
  repository: Repository,
  request: RestoreMomentRequest,
  context: MomentContext,
): Promise<MomentResult | undefined> {
  return withReadLock({
    repository,
    lock: request.lock,
    context,
    work: async ({ events, signal }) => planAndDo(repository, request, { ...context, events, signal }),
  });
}

async function planAndDo(repository: Repository, request: RestoreMomentRequest, context: MomentContext): Promise<MomentResult | undefined> {
  const key = `point-in-time/${request.point.component ?? repository.location}`;
  const last = (await readRestoreTimes(context.stateFolder))[key];
  const plan = await planMoment(repository, { ...request, ...(last === undefined ? {} : { last }) }, context);
  const prepared = await prepare(repository, plan, request, context);
  if (!(await request.confirm(prepared.shown)) || request.dryRun) return undefined;
  const began = context.clock.now();
  const result = await prepared.carryOut();
  const seconds = (context.clock.now().getTime() - began.getTime()) / 1000;
  await rememberRestoreTime(context.stateFolder, key, { seconds, bytes: plan.bytes + (plan.wal?.bytes ?? 0), time: began.toISOString() });
  return result;
}

interface PreparedMoment {
  readonly shown: ShownMomentPlan;
  readonly carryOut: () => Promise<MomentResult>;
}

async function prepare(
  repository: Repository,
  plan: MomentPlan,
  request: RestoreMomentRequest,
  context: MomentContext,
): Promise<PreparedMoment> {
  const { destination, configuration } = request;
  const live = await findLive({ ...request, component: plan.component }, context);
  const shown = { moment: plan, destination, stops: [], ...(live.database === undefined ? {} : { database: live.database }) };
  const superusers = live.user === undefined ? [] : [live.user];
  const image = live.inside === undefined ? {} : { inside: live.inside };
  if (destination.kind === 'beside') {
    const beside = { ...destination, superusers, ...image };
    return { shown, carryOut: async () => ({ kind: 'beside', plan, report: await recoverBeside(repository, plan, beside, context) }) };
  }
  if (destination.kind === 'tables')
    return {
      shown,
      carryOut: async () => {
        const { source, database } = await live.open();
        const tables = { ...destination, superusers, database, live: source, ...image };
        return { kind: 'tables', plan, report: await recoverTables(repository, plan, tables, context) };
      },
    };
  const inside = await live.inside?.();
  const inPlace = { ...destination, superusers, dryRun: request.dryRun, ...(inside === undefined ? {} : { inside }) };
  const place = await planInPlace(plan, inPlace, context);
  const stops = servicesToStop(configuration, inside);
  return {
    shown: { ...shown, inPlace: place, stops },
    carryOut: async () => {
      const recover = (): Promise<InPlaceReport> => recoverInPlace(repository, plan, place, inPlace, context);
      return { kind: 'in place', plan, report: await whileStopped(configuration, stops, context, recover) };
    },
  };
}

/** The server itself is stopped and started by its recovery, which knows when it may run again. */
function servicesToStop(configuration: Configuration | undefined, inside: ServerInContainer | undefined): readonly string[] {
  return (configuration?.recovery.quiesce ?? []).filter((service) => service !== inside?.service);
}

async function whileStopped<Result>(
  configuration: Configuration | undefined,
  services: readonly string[],
  context: MomentContext,
  work: () => Promise<Result>,
): Promise<Result> {
  if (configuration === undefined || services.length === 0) return work();
  const { withStoppedServices } = await import('../application/stopped-services.ts');
  return (await withStoppedServices(createTools(configuration, context), services, work)).result;
}
