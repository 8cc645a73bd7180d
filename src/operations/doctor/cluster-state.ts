/** What a server says about itself beyond what a base backup needs to know: limits, and how much of them is in use. */
import { withSession, type PostgresServer } from '../../sources/postgres/server.ts';

export interface ClusterState {
  /** As `pg_settings` has them, in their base units made bytes where they are sizes; -1 stays. */
  readonly maxReplicationSlots: number;
  readonly maxSlotWalKeepBytes: number;
  readonly maxWalBytes: number;
  readonly keptWalBytes: number;
  readonly isSynced: boolean;
  /** WAL senders at work, as far as this login may see them. */
  readonly senders: number;
  readonly synchronousStandbys: string;
  /** Since the last segment that was archived, how many could not be. */
  readonly archiveFailures: number;
  readonly archiveCommand: string;
  /** Roles that only the servers of providers have. */
  readonly isManaged: boolean;
}

const megabyte = 1024 * 1024;

export function readClusterState(server: PostgresServer): Promise<ClusterState> {
  return withSession(server, async (session) => {
    const rows = await session.query<{ name: string; setting: string }>(`
      SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ('max_replication_slots', 'max_slot_wal_keep_size', 'max_wal_size', 'wal_keep_size',
        'fsync', 'synchronous_standby_names', 'archive_command')`);
    const [more] = await session.query<{ senders: number; failures: number; managed: boolean }>(`
      SELECT (SELECT count(*) FROM pg_catalog.pg_stat_replication)::int AS senders,
        (SELECT CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN failed_count ELSE 0 END FROM pg_catalog.pg_stat_archiver)::int AS failures,
        EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'alloydbsuperuser', 'neon_superuser')) AS managed`);
    const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
    /* The sizes among them are counted in megabytes. */
    const megabytes = (name: string): number => {
      const value = Number(settings.get(name) ?? -1);
      return value < 0 ? -1 : value * megabyte;
    };
    return {
      maxReplicationSlots: Number(settings.get('max_replication_slots') ?? 0),
      maxSlotWalKeepBytes: megabytes('max_slot_wal_keep_size'),
      maxWalBytes: megabytes('max_wal_size'),
      keptWalBytes: Math.max(0, megabytes('wal_keep_size')),
      isSynced: settings.get('fsync') !== 'off',
      synchronousStandbys: settings.get('synchronous_standby_names') ?? '',
      archiveCommand: settings.get('archive_command') ?? '',
      senders: more?.senders ?? 0,
      archiveFailures: more?.failures ?? 0,
      isManaged: more?.managed ?? false,
    };
  });
}
