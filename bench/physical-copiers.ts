/** The programs that copy a whole server, each with the same four things to do. */
import { freePort } from '../test/harness/programs/free-port.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { ThrowawayCluster } from '../test/harness/postgres/throwaway-cluster.ts';
import { asServerUser } from '../test/harness/postgres/cluster-process.ts';
import { measure, run, type Usage } from './measure.ts';
import { holdfastEntry } from './peers/holdfast.ts';
import { cleanEnvironment, password, type Command } from './peers/peer.ts';
import { pgBackRestCommands, pgBackRestConfiguration, pgBackRestVariants, type PgBackRestVariant } from './peers/pgbackrest.ts';
import type { BenchDatabase } from './postgres-database.ts';
import { openToServer } from './server-folder.ts';

export const copierNames = ['pgBackRest', 'pgBackRest zst aes', 'holdfast'] as const;
export type CopierName = (typeof copierNames)[number];

/** A server that came back, up and no longer in recovery. */
export interface RecoveredServer extends Pick<ThrowawayCluster, 'query'> {
  /** Of bringing it back, and of its start and recovery. */
  readonly usage: Usage;
  stop(): Promise<void>;
}

export interface Copier {
  readonly name: CopierName;
  readonly repository: string;
  /** What is done once, before anything is measured. */
  readonly prepare: () => Promise<void>;
  backup(type: 'full' | 'increment'): Promise<Usage>;
  /** Stores segments of the write-ahead log: those that are named, which are all there are since the preparation. */
  storeWal(segments: readonly string[]): Promise<Usage>;
  /** Into an empty folder that the server's user owns, as of `time` (UTC, as PostgreSQL writes it). */
  recover(target: string, time: string): Promise<RecoveredServer>;
}

export function makeCopiers(database: BenchDatabase, folder: string): Copier[] {
  return [
    ...pgBackRestVariants.map((variant, at) => makePgBackRest(variant, database, join(folder, `pgbackrest-${at}`))),
    makeHoldfast(database, join(folder, 'holdfast')),
  ];
}

function makePgBackRest(variant: PgBackRestVariant, { cluster }: BenchDatabase, folder: string): Copier {
  const { dataFolder, socketFolder, port } = cluster;
  const commands = pgBackRestCommands(folder);
  const asServer = ({ argv, ...rest }: Command): Command => ({ ...rest, argv: commandOf(asServerUser([...argv])) });
  return {
    name: variant.name,
    repository: join(folder, 'repository'),
    prepare: async () => {
      openToServer(folder, 0o700);
      for (const name of ['home', 'repository', 'lock', 'spool']) openToServer(join(folder, name), 0o700);
      writeFileSync(join(folder, 'pgbackrest.conf'), pgBackRestConfiguration(variant, { folder, dataFolder, socketFolder, port }), {
        mode: 0o644,
      });
      await run([asServer(commands.create)]);
    },
    backup: (type) => measure([asServer(commands.backup(type === 'full' ? 'full' : 'incr'))]),
    storeWal: (segments) => measure(segments.map((segment) => asServer(commands.push(segment)))),
    recover: async (target, time) => {
      const own = await freePort();
      const start = startAndPromote(cluster, target, own);
      const usage = await measure([asServer(commands.restore(target, `${time}+00`)), asServer({ ...start, env: commands.version.env })]);
      return { usage, ...serverAt(cluster, target, own) };
    },
  };
}

/** Waits until it has recovered and been promoted; its own archiving stays off. */
function startAndPromote({ toolsFolder }: ThrowawayCluster, target: string, port: number): Omit<Command, 'env'> {
  const settings = `-p ${port} -c archive_mode=off -c unix_socket_directories=${target} -c listen_addresses=127.0.0.1`;
  const line = `"$1/pg_ctl" -D "$2" -l "$2/log" -o "$3" -w -t 900 start >/dev/null
until [ "$("$1/psql" -XAtq -h "$2" -p "$4" -U postgres -c 'SELECT pg_is_in_recovery()' postgres)" = f ]; do sleep 0.05; done`;
  return { argv: ['sh', '-ec', line, 'sh', toolsFolder, target, settings, String(port)] };
}

function makeHoldfast({ cluster, name }: BenchDatabase, folder: string): Copier {
  const env = {
    ...cleanEnvironment(join(folder, 'home')),
    HOLDFAST_PASSWORD: password,
    HOLDFAST_STATE: join(folder, 'state'),
    PGPASSWORD: cluster.password,
  };
  const own = (...words: string[]): Command => ({
    argv: [process.execPath, holdfastEntry, ...words, '-c', join(folder, 'holdfast.yaml'), '--quiet'],
    env: { ...env, PATH: `${cluster.toolsFolder}:${process.env['PATH'] ?? ''}` },
  });
  const url = `postgresql://${cluster.superuser}@${cluster.host}:${cluster.port}/${name}`;
  const stream = own('wal', 'stream', '--once');
  return {
    name: 'holdfast',
    repository: join(folder, 'repository'),
    prepare: async () => {
      for (const each of ['home/tmp', 'state']) mkdirSync(join(folder, each), { recursive: true });
      const lines = [
        'application: bench',
        'repositories: { local: ./repository }',
        `components: { database: { postgres: { url: "${url}", mode: physical } } }`,
      ];
      writeFileSync(join(folder, 'holdfast.yaml'), `${lines.join('\n')}\n`);
      /* The slot is made with it, and keeps all that is written from now on. */
      await run([own('repo', 'init'), stream]);
    },
    /* The first is a full one, and what follows is an increment. */
    backup: () => measure([own('backup')]),
    storeWal: () => measure([stream]),
    recover: async (target, time) => {
      const port = await freePort();
      const moment = `${time.replace(' ', 'T')}Z`;
      const usage = await measure([
        own('restore', '--component', 'database', '--at', moment, '--target', target, '--port', String(port), '--yes'),
      ]);
      return { usage, ...serverAt(cluster, target, port) };
    },
  };
}

/** A server that runs in a folder, reached by its port. */
function serverAt({ toolsFolder, password: secret }: ThrowawayCluster, target: string, port: number): Omit<RecoveredServer, 'usage'> {
  return {
    query: async <Row extends pg.QueryResultRow>(sql: string, database = 'postgres', values: readonly unknown[] = []): Promise<Row[]> => {
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: secret, database });
      await client.connect();
      try {
        return (await client.query<Row>(sql, [...values])).rows;
      } finally {
        await client.end();
      }
    },
    stop: async () => {
      const [program = '', ...words] = asServerUser([join(toolsFolder, 'pg_ctl'), '-D', target, '-m', 'immediate', '-w', 'stop']);
      await run([{ argv: [program, ...words], env: cleanEnvironment(target) }]);
    },
  };
}

function commandOf([program = '', ...words]: readonly string[]): Command['argv'] {
  return [program, ...words];
}
