/** A whole server comes back in its place: to the newest moment there is where its newest base backup is meant, else as that base backup is. */
import type { BaseConfiguration } from '../../config/configuration.ts';
import { isError, reasonOf, type ErrorCode } from '../../errors.ts';
import { parseConnection } from '../../sources/postgres/connection.ts';
import { findBaseSnapshots } from '../point-in-time/find-bases.ts';
import { openInside } from '../point-in-time/find-live.ts';
import type { MomentPlan } from '../point-in-time/moment-plan.ts';
import { planMoment } from '../point-in-time/plan-moment.ts';
import { planInPlace, recoverInPlace, type InPlacePlan, type InPlaceRequest } from '../point-in-time/recover-in-place.ts';
import type { PutBack, PutBackRequest } from './put-back.ts';

/** Throws what planning a moment and looking at the server throw. */
export async function planBase(request: PutBackRequest, { at }: BaseConfiguration): Promise<PutBack> {
  const { tools, repository, dryRun = false } = request;
  const { context, read } = tools;
  const plan = await planNewest(request);
  const isOnHost = 'url' in at;
  const user = isOnHost ? parseConnection(await read(at.url), context.environment).user : at.user;
  const inPlace: InPlaceRequest = {
    dryRun,
    amcheck: false,
    tablespaces: new Map(),
    superusers: [user],
    // What is there is kept, whatever it is: on a new machine it may be a cluster that the service has just made.
    anyCluster: true,
    ...(isOnHost ? {} : { inside: await openInside(tools, at) }),
  };
  const found = await planInPlace(plan, inPlace, context);
  // A service is started with the others; nobody else starts a server of this machine.
  const place: InPlacePlan = isOnHost ? { ...found, startAfter: true } : found;
  return {
    effects: effectsOf(plan, place),
    // No copy is needed: it is kept aside.
    present: () => Promise.resolve(undefined),
    stops: [],
    writesLive: true,
    carryOut: async (running) => {
      const { outcome, kept, bytes } = await recoverInPlace(repository, plan, place, inPlace, { ...context, ...running });
      return {
        facts: {
          base: plan.base.snapshot.id,
          ...(outcome.reached === undefined ? {} : { reached: outcome.reached.toISOString() }),
          position: outcome.lsn,
          timeline: outcome.timeline,
          segments: outcome.segments,
          bytes,
          ...(kept.length === 0 ? {} : { kept: kept.join(', ') }),
        },
        problems: 0,
      };
    },
  };
}

const withoutLog: readonly ErrorCode[] = ['wal-gap', 'wal-timeline-unknown', 'wal-target-ahead'];

async function planNewest({ tools, repository, configuration, snapshot }: PutBackRequest): Promise<MomentPlan> {
  const { context } = tools;
  const newest = { name: 'latest', component: configuration.name };
  const [first] = await findBaseSnapshots(repository, newest, context);
  const asItIs = (): Promise<MomentPlan> =>
    planMoment(repository, { target: { kind: 'immediate' }, point: { ...newest, name: snapshot.id } }, context);
  if (first?.snapshot.id !== snapshot.id) return asItIs();
  try {
    return await planMoment(repository, { target: { kind: 'latest' }, point: newest }, context);
  } catch (error) {
    // A base backup brings the log that it needs itself.
    if (!withoutLog.some((code) => isError(error, code))) throw error;
    context.events({
      type: 'notice',
      message: `The newest base backup comes back as it is, without what came after it: ${reasonOf(error)}.`,
    });
    return asItIs();
  }
}

function effectsOf({ newest, wal, target }: MomentPlan, { title, dataDirectory, moves, server }: InPlacePlan): string[] {
  const moment = newest === undefined ? 'as it was' : `as of ${newest.toISOString()}`;
  const log = target.kind === 'immediate' || wal === undefined ? '' : `, with ${wal.segments.length} segments of its log`;
  return [
    `${title ?? dataDirectory}: filled with the server ${moment}${log}`,
    ...moves.map(
      ({ from, aside, volume }) => `${from}: what is there is kept ${volume === undefined ? `as ${aside}` : `in the new volume ${volume}`}`,
    ),
    ...(server.running ? [`${server.stopText}, and started again when it is done`] : []),
  ];
}
