/** How a server has to be set while it recovers, whatever its own configuration says. */
import { restoreCommand, spoolName } from './fetch-script.ts';
import { settingsOfTarget, type RecoveryTarget, type Settings } from './recovery-target.ts';

export interface RecoveryAim {
  readonly target: RecoveryTarget;
  /** The branch to follow. A number: `latest` would be whatever was promoted last, by whomever. */
  readonly timeline: number;
  /** What happens at the target. */
  readonly action: 'promote' | 'pause';
}

/** What hot standby and prepared transactions need at least as much of as the primary had. */
const capacities = ['max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction'];

/** The target, the branch, and where the log comes from. Nobody is let in before the end, unless it is to pause there: so nothing depends on capacities. */
export function settingsOfAim({ target, timeline, action }: RecoveryAim): Settings {
  return {
    restore_command: restoreCommand,
    recovery_target_timeline: String(timeline),
    ...settingsOfTarget(target),
    recovery_target_inclusive: 'on',
    recovery_target_action: action,
    hot_standby: action === 'pause' ? 'on' : 'off',
    // A base taken of a standby brings these.
    primary_conninfo: '',
    primary_slot_name: '',
    recovery_min_apply_delay: '0',
    recovery_end_command: '',
    archive_cleanup_command: '',
    // Nothing of this may reach the archive of the cluster it is a copy of, before it is known to be right.
    archive_mode: 'off',
  };
}

/** The capacities among the settings that a base backup noted. */
export function capacitiesOf(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name, value]) => capacities.includes(name) && /^\d+$/.test(value)));
}

export interface PrivatePlace {
  readonly dataDirectory: string;
  /** Where the server's socket lies: a folder that nobody else can enter. */
  readonly socketFolder: string;
  /** Names the socket only. */
  readonly port: number;
  readonly major: number;
  /** postgresql.conf, where it does not lie in the data directory. */
  readonly configurationFile?: string;
}

/** A server that only holdfast reaches, that does nothing of its own accord, and whose log can be read. */
export function settingsOfPrivateServer({ dataDirectory, socketFolder, port, major, configurationFile }: PrivatePlace): Settings {
  return {
    ...(configurationFile === undefined ? {} : { config_file: configurationFile }),
    data_directory: dataDirectory,
    hba_file: `${dataDirectory}/${spoolName}/pg_hba.conf`,
    ident_file: `${dataDirectory}/${spoolName}/pg_ident.conf`,
    external_pid_file: '',
    listen_addresses: '',
    unix_socket_directories: socketFolder,
    unix_socket_group: '',
    port: String(port),
    ssl: 'off',
    huge_pages: 'try',
    cluster_name: 'holdfast_recovery',
    ...quietSettings,
    ...logSettings(major),
  };
}

/** What a copy beside the live cluster must not do: answer the archive, follow subscriptions, wait for standbys. */
export const quietSettings: Settings = {
  archive_mode: 'off',
  max_logical_replication_workers: '0',
  synchronous_standby_names: '',
};

/** So that the log can be read by a program. */
function logSettings(major: number): Settings {
  return {
    logging_collector: 'off',
    log_destination: 'stderr',
    log_min_messages: 'warning',
    log_line_prefix: '',
    log_error_verbosity: 'default',
    lc_messages: 'C',
    log_timezone: 'UTC',
    TimeZone: 'UTC',
    ...(major >= 15 ? { log_startup_progress_interval: '2s' } : {}),
  };
}

/** Of a list of libraries those that start work of their own: on a copy their jobs would run a second time. */
export function withoutJobs(libraries: string): string {
  const jobs = ['pg_cron', 'pg_net', 'pg_partman_bgw', 'pgagent', 'pg_timetable'];
  return splitList(libraries)
    .filter((name) => !jobs.includes(name.split('/').at(-1) ?? ''))
    .join(', ');
}

export function splitList(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim().replaceAll('"', ''))
    .filter((name) => name !== '');
}
