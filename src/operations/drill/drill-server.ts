/** Where dumps of a drill are restored: on the server they were saved from, or on one that lives in the drill's own folder. */
import type { PostgresConfiguration } from '../../config/configuration.ts';
import type { PostgresManifest } from '../../sources/postgres/manifest.ts';
import { createHostServer } from '../../sources/postgres/host-server.ts';
import type { PostgresServer } from '../../sources/postgres/server.ts';
import { openServer } from '../application/query-database.ts';
import type { DrillRun, DrillTimer, PlannedComponent } from './drill-run.ts';
import { startThrowawayServer } from './throwaway-server.ts';

export interface DrillServer {
  readonly server: PostgresServer;
  /** It goes with the drill, and all that is on it. */
  readonly isTemporary: boolean;
  /** For programs of this machine. */
  readonly urlOf: (database: string) => string | undefined;
  readonly password?: string;
}

/** Throws the catalogue's PostgreSQL and Docker errors, `server-programs-missing`. */
export async function openDrillServer(
  run: DrillRun,
  { source, name }: PlannedComponent,
  manifest: PostgresManifest,
  timer: DrillTimer,
): Promise<DrillServer> {
  const { drill, tools, context } = run;
  if (drill.into === 'cluster' || source?.kind !== 'postgres') {
    const { connection, sourceOf } = await timer.time('start a server', () => startThrowawayServer(run, { component: name, manifest }));
    const { PATH, HOME } = context.environment;
    return {
      server: createHostServer({ connection, environment: { PATH, HOME } }),
      isTemporary: true,
      urlOf: sourceOf,
    };
  }
  const server = await openServer(tools, source);
  return { server, isTemporary: false, ...(await describeLive(run, source)) };
}

/** The live server's address, with another database and without the password; only where the configuration has it as a URL. */
async function describeLive({ tools }: DrillRun, { at }: PostgresConfiguration): Promise<Pick<DrillServer, 'urlOf' | 'password'>> {
  if (!('url' in at)) return { urlOf: () => undefined };
  const { parseConnection } = await import('../../sources/postgres/connection.ts');
  const { host, port, user, password } = parseConnection(await tools.read(at.url), tools.context.environment);
  const login = encodeURIComponent(user);
  const urlOf = (database: string): string =>
    host.startsWith('/')
      ? `postgresql://${login}@/${database}?host=${encodeURIComponent(host)}&port=${port}`
      : `postgresql://${login}@${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
  return { urlOf, ...(password === undefined ? {} : { password }) };
}
