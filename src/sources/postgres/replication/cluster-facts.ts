/** What a backup of a whole cluster has to know about it, and what its server would have to be set to. */
import { HoldfastError, isError } from '../../../errors.ts';
import { type PostgresServer, withSession } from '../server.ts';
import type { PostgresSession } from '../session.ts';
import { type ConfigurationFile, type FileReader, readConfiguration } from './cluster-configuration.ts';
import { readLsn } from '../../../util/lsn.ts';
import { serverOf } from './replication-errors.ts';

export type { ConfigurationFile };

export interface ClusterFacts {
  /** `15.18`. */
  readonly version: string;
  readonly major: number;
  /** As `server_version_num`: 150018. */
  readonly versionNumber: number;
  readonly systemId: string;
  /** Absent where the user may not see it. */
  readonly dataDirectory?: string;
  readonly pageSize: number;
  readonly walSegmentSize: number;
  readonly checksums: boolean;
  readonly inRecovery: boolean;
  /** As SHOW prints them; those that the user may not see are left out. */
  readonly settings: Readonly<Record<string, string>>;
  readonly tablespaces: readonly ClusterTablespace[];
  /** Files outside the data directory that the server is configured by, with their contents. */
  readonly configuration: readonly ConfigurationFile[];
  /** What could not be read, and how to let it be read; sentences for people. */
  readonly notices: readonly string[];
  readonly walLevel: string;
  readonly maxWalSenders: number;
  readonly archiveMode: string;
  /** False before 17, where there is no such thing. */
  readonly summarizeWal: boolean;
  /** Bytes in pg_wal; absent where the user may not see it. */
  readonly walSize?: number;
  readonly slots: readonly ClusterSlot[];
  /** The user of this session may replicate. */
  readonly mayReplicate: boolean;
}

export interface ClusterTablespace {
  readonly oid: string;
  readonly name: string;
  readonly location: string;
}

export interface ClusterSlot {
  readonly name: string;
  readonly type: 'physical' | 'logical';
  readonly active: boolean;
  readonly restart?: bigint;
  /** Bytes of WAL that it keeps. */
  readonly retained?: number;
  readonly lost: boolean;
}

export interface ClusterFactsOptions {
  /** Reads a path of the server's machine where holdfast can (the same host, or the container's files); tried where the server does not hand a file out. */
  readonly readFile?: FileReader;
}

/* What a restored server needs to start, and what doctor looks at. */
const settingNames = [
  'archive_mode',
  'block_size',
  'config_file',
  'data_checksums',
  'data_directory',
  'hba_file',
  'hot_standby',
  'ident_file',
  'listen_addresses',
  'max_connections',
  'max_locks_per_transaction',
  'max_prepared_transactions',
  'max_replication_slots',
  'max_slot_wal_keep_size',
  'max_wal_senders',
  'max_wal_size',
  'max_worker_processes',
  'port',
  'server_version',
  'server_version_num',
  'shared_preload_libraries',
  'ssl',
  'ssl_ca_file',
  'ssl_cert_file',
  'ssl_key_file',
  'summarize_wal',
  'synchronous_standby_names',
  'TimeZone',
  'unix_socket_directories',
  'wal_keep_size',
  'wal_level',
  'wal_segment_size',
];

/** Reads all of it in one session. What the user may not see is left out and becomes a notice. Throws the catalogue's PostgreSQL errors. */
export async function readClusterFacts(server: PostgresServer, options: ClusterFactsOptions = {}): Promise<ClusterFacts> {
  return withSession(server, async (session) => {
    const settings = await readSettings(session);
    const shown = (name: string): string => settings.get(name)?.shown ?? '';
    const amount = (name: string): number => Number(settings.get(name)?.setting ?? Number.NaN);
    const { systemId, inRecovery, mayReplicate } = await readIdentity(session);
    const versionNumber = amount('server_version_num');
    if (systemId === null || !Number.isInteger(versionNumber) || !Number.isInteger(amount('block_size')))
      throw new HoldfastError('replication-failed', { server: serverOf(server.login), reason: 'it does not say what it is' });
    const walSize = await readWalSize(session);
    const dataDirectory = settings.get('data_directory')?.shown;
    return {
      version: shown('server_version').split(' ')[0] ?? '',
      versionNumber,
      major: Math.floor(versionNumber / 10_000),
      systemId,
      inRecovery,
      mayReplicate,
      ...(dataDirectory === undefined ? {} : { dataDirectory }),
      pageSize: amount('block_size'),
      walSegmentSize: amount('wal_segment_size'),
      checksums: shown('data_checksums') === 'on',
      settings: Object.fromEntries([...settings].map(([name, value]) => [name, value.shown])),
      tablespaces: await readTablespaces(session),
      ...(await readConfiguration(session, (name) => settings.get(name)?.shown, options.readFile)),
      walLevel: shown('wal_level'),
      maxWalSenders: amount('max_wal_senders'),
      archiveMode: shown('archive_mode'),
      summarizeWal: shown('summarize_wal') === 'on',
      ...(walSize === undefined ? {} : { walSize }),
      slots: await readSlots(session),
    };
  });
}

/** pg_settings leaves out what the user may not see, where current_setting would fail. */
async function readSettings(session: PostgresSession): Promise<Map<string, { readonly setting: string; readonly shown: string }>> {
  const names = settingNames.map((name) => `'${name}'`).join(', ');
  const rows = await session.query<{ name: string; setting: string; shown: string }>(
    `SELECT name, setting, current_setting(name) AS shown FROM pg_settings WHERE name IN (${names})`,
  );
  return new Map(rows.map(({ name, setting, shown }) => [name, { setting, shown }]));
}

async function readIdentity(session: PostgresSession): Promise<{ systemId: string | null; inRecovery: boolean; mayReplicate: boolean }> {
  const [row] = await session.query<{ id: string; recovering: boolean; may: boolean }>(`
    SELECT system_identifier::text AS id, pg_is_in_recovery() AS recovering,
           (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS may
    FROM pg_control_system()`);
  return { systemId: row?.id ?? null, inRecovery: row?.recovering === true, mayReplicate: row?.may === true };
}

async function readTablespaces(session: PostgresSession): Promise<ClusterTablespace[]> {
  return session.query<{ oid: string; name: string; location: string }>(`
    SELECT oid::text AS oid, spcname AS name, pg_tablespace_location(oid) AS location
    FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY pg_tablespace.oid`);
}

async function readSlots(session: PostgresSession): Promise<ClusterSlot[]> {
  const rows = await session.query<{
    name: string;
    type: string;
    active: boolean;
    restart: string | null;
    retained: string | null;
    status: string | null;
  }>(`
    SELECT slot_name AS name, slot_type AS type, active, restart_lsn::text AS restart, wal_status AS status,
           (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - restart_lsn)::text AS retained
    FROM pg_replication_slots ORDER BY 1`);
  return rows.map(({ name, type, active, restart, retained, status }) => {
    const position = readLsn(restart);
    return {
      name,
      type: type === 'logical' ? 'logical' : 'physical',
      active,
      lost: status === 'lost',
      ...(position === undefined ? {} : { restart: position }),
      ...(retained === null ? {} : { retained: Number(retained) }),
    };
  });
}

async function readWalSize(session: PostgresSession): Promise<number | undefined> {
  try {
    const [row] = await session.query<{ size: string | null }>('SELECT sum(size)::text AS size FROM pg_ls_waldir()');
    return Number(row?.size ?? 0);
  } catch (error) {
    if (isError(error, 'postgres-permission')) return undefined;
    throw error;
  }
}
