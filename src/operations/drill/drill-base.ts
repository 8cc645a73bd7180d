/** A base backup is put together in a folder, its log replayed by a server of the drill's own, and every index and table of it checked. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkRelations, type RelationCheck } from '../../sources/postgres/recovery/check-relations.ts';
import type { RecoveredServer } from '../../sources/postgres/recovery/recover-server.ts';
import type { ServerRunner } from '../../sources/postgres/recovery/server-runner.ts';
import { settleOwner } from '../../sources/postgres/recovery/server-user.ts';
import { putConfiguration, settleAside } from '../../sources/postgres/recovery/settle-directory.ts';
import { createHostServer } from '../../sources/postgres/host-server.ts';
import { openSession } from '../../sources/postgres/session.ts';
import { assemblePlan, readConfiguration } from '../point-in-time/assemble-plan.ts';
import { chooseRunner } from '../point-in-time/choose-runner.ts';
import { findLive } from '../point-in-time/find-live.ts';
import { replay, StepTimer } from '../point-in-time/run-plan.ts';
import type { DrillRun, DrillTimer, PlannedComponent, RestoreFindings } from './drill-run.ts';
import { planBase } from './plan-base.ts';
import { privateSocket, removeSocket } from './private-socket.ts';

/**
 * The newest base backup is followed to the end of its log, which proves the log too; an older one is recovered as it is. Throws what planning, assembling and
 * replaying throw: `wal-gap` where a segment is missing.
 */
export async function drillBase(run: DrillRun, component: PlannedComponent, timer: DrillTimer): Promise<RestoreFindings> {
  const { repository, context, room, places, tools } = run;
  const plan = await planBase(run, component);
  const { manifest } = plan.base;
  const place = join(room.folder, `base-${room.next()}`);
  await mkdir(place, { mode: 0o711 });
  room.onEnd(`the folder ${place}`, () => rm(place, { recursive: true, force: true }));
  const target = join(place, 'data');
  const tablespaces = new Map(manifest.tablespaces.map(({ oid }) => [oid, join(place, `tablespace-${oid}`)]));
  const live = await findLive({ component: component.name, configuration: tools.configuration }, context);
  const inside = live.inside === undefined ? {} : { inside: live.inside };
  const chosen = await chooseRunner({ ...inside, major: manifest.major, folders: [target, ...tablespaces.values()] }, context);
  const runner = chosen.programs === undefined ? chosen.runner : withSocketIn(run, chosen.runner);
  const assembled = await timer.time('restore', () => assemblePlan(repository, plan, { target, tablespaces }, context));
  const user = await settleOwner(target, [...tablespaces.values()]);
  await putConfiguration(target, await readConfiguration(repository, plan.base, context.signal), user);
  await settleAside({ dataDirectory: target, user, major: manifest.major, settings: manifest.settings });
  const request = {
    dataDirectory: target,
    runner,
    user,
    superusers: live.user === undefined ? [] : [live.user],
    temporary: true,
    pause: false,
    amcheck: false,
  };
  const { server, outcome } = await timer.time('replay', () => replay(repository, plan, request, new StepTimer(context)));
  room.onEnd('a recovered server', () => server.stop());
  if (live.database !== undefined && chosen.programs !== undefined) {
    const { PATH, HOME } = context.environment;
    const recovered = createHostServer({ connection: { ...server.connection, database: live.database }, environment: { PATH, HOME } });
    places.databases.push({ component: component.name, server: recovered, name: live.database, url: urlOf(server, live.database) });
  }
  places.folders.set(component.name, target);
  const check = await timer.time('check', () => checkAll(server, target, manifest.major, run));
  return {
    bytes: assembled.bytes,
    compared: {
      bases: plan.chain.length,
      segments: outcome.segments,
      bytes: assembled.bytes,
      ...(check === undefined ? {} : { databases: check.databases, indexes: check.indexes, tables: check.tables }),
    },
    mismatches: check?.faults ?? [],
    remarks: [
      ...(check === undefined ? ['the server has no amcheck, so its indexes and tables were not checked'] : []),
      ...(outcome.reached === undefined
        ? []
        : [`replayed to the transaction of ${outcome.reached.toISOString()}, position ${outcome.lsn}`]),
      ...plan.notes,
    ],
  };
}

/** Undefined where the server has no amcheck. */
async function checkAll(
  { connection }: RecoveredServer,
  dataDirectory: string,
  major: number,
  { context: { events, signal } }: DrillRun,
): Promise<RelationCheck | undefined> {
  const session = await openSession(connection);
  try {
    const found = await session.query("SELECT FROM pg_available_extensions WHERE name = 'amcheck'");
    if (found.length === 0) return undefined;
  } finally {
    await session.close();
  }
  return checkRelations((database) => openSession({ ...connection, database }), dataDirectory, { major, events, signal });
}

function withSocketIn({ room }: DrillRun, runner: ServerRunner): ServerRunner {
  return {
    ...runner,
    openSocketFolder: async (_, user) => {
      const folder = await privateSocket(room.folder, user);
      return { inside: folder, here: folder, remove: () => removeSocket(folder) };
    },
  };
}

function urlOf({ connection }: RecoveredServer, database: string): string {
  const { host, port, user } = connection;
  return `postgresql://${encodeURIComponent(user)}@/${encodeURIComponent(database)}?host=${encodeURIComponent(host)}&port=${port}&sslmode=disable`;
}
