/** Brings tables of one moment back into the live database: the cluster is recovered beside it, dumped from, and thrown away. */
import { join } from 'node:path';
import type { Repository } from '../../engine/repository.ts';
import type { ServerRunner } from '../../sources/postgres/recovery/server-runner.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { putConfiguration, settleAside } from '../../sources/postgres/recovery/settle-directory.ts';
import type { RecoveryOutcome } from '../../sources/postgres/recovery/end-state.ts';
import type { PostgresRestoreRequest } from '../../sources/postgres/restore-request.ts';
import type { RestorableSource, RestoreOutcome } from '../../sources/source.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { assemblePlan, readConfiguration } from './assemble-plan.ts';
import { chooseRunner, type RunnerChoice } from './choose-runner.ts';
import type { MomentPlan } from './moment-plan.ts';
import { replay, StepTimer, type MomentContext, type TimedStep } from './run-plan.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { storeCapture } from './stored-capture.ts';

export interface TablesRequest extends Pick<RunnerChoice, 'programs' | 'inside'> {
  /** As `table` or `schema.table`. */
  readonly tables: readonly string[];
  /** The database they are in. */
  readonly database: string;
  /** How they go into the live one: beside those that are there, in their place, or into another database. */
  readonly restore: Omit<PostgresRestoreRequest, 'tables' | 'databases' | 'recreate'>;
  /** The live server. */
  readonly live: RestorableSource<PostgresRestoreRequest>;
  readonly superusers: readonly string[];
}

export interface TablesReport {
  readonly outcome: RecoveryOutcome;
  /** What the restore says: tables, rows. */
  readonly facts: RestoreOutcome['facts'];
  readonly steps: readonly TimedStep[];
  readonly seconds: number;
}

/** Throws as recovering beside does, and the dump's and the restore's errors; the live database is then as it was. */
export async function recoverTables(
  repository: Repository,
  plan: MomentPlan,
  request: TablesRequest,
  context: MomentContext,
): Promise<TablesReport> {
  const { manifest } = plan.base;
  const steps = new StepTimer(context);
  return withScratchFolder(context, async (scratch) => {
    const target = join(scratch, 'data');
    const tablespaces = new Map(manifest.tablespaces.map(({ oid }) => [oid, join(scratch, `tablespace-${oid}`)]));
    const choice = { ...request, major: manifest.major, folders: [target, ...tablespaces.values()] };
    const { runner } = await chooseRunner(choice, context);
    await steps.time('restore', () => assemblePlan(repository, plan, { target, tablespaces }, context));
    const user = await settleOwner(target, [...tablespaces.values()]);
    await putConfiguration(target, await readConfiguration(repository, plan.base, context.signal), user);
    await settleAside({ dataDirectory: target, user, major: manifest.major, settings: manifest.settings });
    const place = { dataDirectory: target, runner, user, superusers: request.superusers, temporary: true };
    const { server, outcome } = await replay(repository, plan, { ...place, pause: false, amcheck: false }, steps);
    try {
      const captured = await steps.time('dump', async () => {
        const source = await openRecovered(runner, server.connection, request, context);
        return storeCapture(await source.capture(context), join(scratch, 'dump'));
      });
      const { facts } = await steps.time('tables', () =>
        request.live.restore(captured, { ...request.restore, tables: request.tables }, context),
      );
      return { outcome, facts, steps: steps.steps, seconds: steps.seconds };
    } finally {
      await server.stop();
    }
  });
}

/** Into another database the tables need types and functions that only a whole dump has. */
async function openRecovered(
  runner: ServerRunner,
  connection: PostgresConnection,
  { database, tables, restore }: TablesRequest,
  { environment }: MomentContext,
): Promise<RestorableSource<PostgresRestoreRequest>> {
  const { createPostgresSource } = await import('../../sources/postgres/postgres-source.ts');
  const { PATH, HOME } = environment;
  return createPostgresSource({
    component: 'database',
    at: runner.sourceOf(connection, database),
    environment: { PATH, HOME },
    roles: false,
    ...(restore.into === undefined ? { tables } : {}),
  });
}
