/** Carries a plan out in a folder: assemble, replay, look at the result. What all forms of going back share. */
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError, isError } from '../../errors.ts';
import { checkRelations, type RelationCheck } from '../../sources/postgres/recovery/check-relations.ts';
import type { RecoveryOutcome } from '../../sources/postgres/recovery/end-state.ts';
import { recoverServer, type RecoveredServer, type RecoveryRequest } from '../../sources/postgres/recovery/recover-server.ts';
import { openSession } from '../../sources/postgres/session.ts';
import type { Clock } from '../../util/clock.ts';
import type { MomentPlan } from './moment-plan.ts';
import { openSupply } from './open-supply.ts';

/** A step and how long it took. */
export interface TimedStep {
  readonly name: string;
  readonly seconds: number;
}

export interface MomentContext extends RunContext {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where this host keeps what must outlive a run. */
  readonly stateFolder: string;
}

export interface ReplayRequest extends Pick<
  RecoveryRequest,
  'dataDirectory' | 'runner' | 'user' | 'configurationFile' | 'superusers' | 'temporary'
> {
  readonly pause: boolean;
  readonly amcheck: boolean;
}

export interface ReplayedServer {
  readonly server: RecoveredServer;
  readonly outcome: RecoveryOutcome;
  readonly check?: RelationCheck;
}

/** The socket lies in a folder of its own: any number will do. */
const privatePort = 5432;

/** Replays the log in an assembled data directory; the server runs when it resolves. Throws as `recoverServer`, and `recovery-mismatch` for what amcheck finds. */
export async function replay(repository: Repository, plan: MomentPlan, request: ReplayRequest, steps: StepTimer): Promise<ReplayedServer> {
  const { context } = steps;
  const { manifest } = plan.base;
  const { pause, amcheck, ...place } = request;
  const supply = await openSupply(repository, plan);
  const recover = (aim: MomentPlan['aim']): Promise<RecoveredServer> =>
    recoverServer({
      ...place,
      major: manifest.major,
      aim: { target: aim, timeline: plan.timeline, action: pause && aim.kind !== 'latest' ? 'pause' : 'promote' },
      supply,
      settings: manifest.settings,
      port: privatePort,
      events: context.events,
      signal: context.signal,
    });
  const server = await steps.time('replay', () => orToTheEnd(plan, context, recover));
  try {
    refuseOther(plan, place.dataDirectory, server.outcome);
    if (!amcheck) return { server, outcome: server.outcome };
    const check = await steps.time('amcheck', () =>
      checkRelations((database) => openSession({ ...server.connection, database }), place.dataDirectory, {
        major: manifest.major,
        events: context.events,
        signal: context.signal,
      }),
    );
    refuseOther(plan, place.dataDirectory, server.outcome, check);
    return { server, outcome: server.outcome, check };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * Recovers to the end of the log where that has nothing after the moment, and is known to have all before it: PostgreSQL itself would call the moment
 * not reached.
 */
async function orToTheEnd<Result>(
  plan: MomentPlan,
  { events }: Pick<MomentContext, 'events'>,
  recover: (aim: MomentPlan['aim']) => Promise<Result>,
): Promise<Result> {
  try {
    return await recover(plan.aim);
  } catch (error) {
    if (!isError(error, 'recovery-unreached') || !isCovered(plan)) throw error;
    events({ type: 'notice', message: 'Nothing was committed after that moment: the end of the log is its state.' });
    return recover({ kind: 'latest' });
  }
}

/** The repository has all that was committed up to the moment. Microseconds are dropped from both times: only a later millisecond is surely later. */
function isCovered({ target, newest }: MomentPlan): boolean {
  return target.kind === 'time' && newest !== undefined && newest > target.time;
}

/** Also where the end of the log stands for the moment. Throws `recovery-mismatch`. */
function refuseOther({ target }: MomentPlan, path: string, { reached }: RecoveryOutcome, check?: RelationCheck): void {
  if (target.kind === 'time' && reached !== undefined && reached > target.time)
    throw new HoldfastError('recovery-mismatch', {
      path,
      reason: `its last transaction is of ${reached.toISOString()}, later than asked for`,
    });
  const [fault] = check?.faults ?? [];
  if (fault !== undefined)
    throw new HoldfastError('recovery-mismatch', {
      path,
      reason: `amcheck found ${check?.faults.length ?? 0} faults, the first: ${fault}`,
    });
}

/** Names the steps as they happen and notes how long each took. */
export class StepTimer {
  readonly context: MomentContext;
  readonly steps: TimedStep[] = [];

  constructor(context: MomentContext) {
    this.context = context;
  }

  async time<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const { clock, events } = this.context;
    events({ type: 'phase', phase: name });
    const began = clock.now().getTime();
    const result = await work();
    this.steps.push({ name, seconds: (clock.now().getTime() - began) / 1000 });
    return result;
  }

  get seconds(): number {
    return this.steps.reduce((sum, { seconds }) => sum + seconds, 0);
  }
}
