/**
 * What holdfast.yaml means once it is loaded: shorthands are written out, defaults are filled in, paths are absolute, durations are
 * milliseconds. Secrets are named here and not read; `readSecret` reads one when it is needed.
 */
import type { DrillConfiguration } from './drill-configuration.ts';
import type { NotifyConfiguration } from './notify-configuration.ts';

import type { MaintenanceConfiguration, ObjectiveConfiguration, ScheduleConfiguration } from './schedule-configuration.ts';

export type { MaintenanceConfiguration, ObjectiveConfiguration, ScheduleConfiguration } from './schedule-configuration.ts';

export interface Configuration {
  /** Absolute path of holdfast.yaml. */
  readonly file: string;
  /** Absolute path of the folder it lies in, where relative paths begin and commands are run. */
  readonly folder: string;
  /** The profile that was merged over the rest, where one was chosen. */
  readonly profile?: string;
  readonly application: string;
  /** The application's own version, for the manifest. */
  readonly version?: VersionConfiguration;
  /** Where Compose services are looked up. */
  readonly compose?: ComposeConfiguration;
  /** In the order of the file, at least one: backups go to the first, the others get copies. */
  readonly repositories: readonly RepositoryConfiguration[];
  /** In the order of the file, at least one, each with a name of its own. */
  readonly components: readonly ComponentConfiguration[];
  /** Services that are stopped while a backup runs. */
  readonly quiesce: readonly string[];
  /** Around the whole run. */
  readonly hooks: Hooks;
  readonly recovery: RecoveryConfiguration;
  /** Of components that have none of their own: already theirs. */
  readonly schedule?: ScheduleConfiguration;
  /** Of the whole application. */
  readonly objective?: ObjectiveConfiguration;
  /** Of all schedules that have none of their own: already theirs. Absent: the machine's. */
  readonly timezone?: string;
  readonly maintenance: MaintenanceConfiguration;
  /** In the order of the file; absent where there are none. */
  readonly archives?: readonly ArchiveConfiguration[];
  readonly drills?: readonly DrillConfiguration[];
  readonly serve?: ServeConfiguration;
  readonly notify?: readonly NotifyConfiguration[];
}

/** The HTTP interface of the daemon. */
export interface ServeConfiguration {
  /** HOST:PORT, as it is written; absent: the daemon's default. */
  readonly listen?: string;
  readonly tokens: readonly TokenConfiguration[];
}

export interface TokenConfiguration {
  readonly name: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly token: Secret;
}

/** A version as it is, the first line of a file (absolute path), or what a command prints. */
export type VersionConfiguration = { readonly text: string } | { readonly file: string } | { readonly run: string };

export interface ComposeConfiguration {
  /** Absolute path. */
  readonly file?: string;
  readonly project?: string;
}

export interface RepositoryConfiguration {
  /** Its name in the file, such as `local`. */
  readonly name: string;
  /** An absolute path, or a URL such as `s3://bucket/prefix`. */
  readonly url: string;
  /** Absent where it comes from the command line's options or HOLDFAST_PASSWORD and its kin. */
  readonly password?: Secret;
  readonly keep?: KeepConfiguration;
  /** By names of environment variables: used before those of the environment. */
  readonly credentials?: Readonly<Record<string, Secret>>;
  /** Of new objects. */
  readonly storageClass?: string;
  readonly lock?: { readonly mode: 'governance' | 'compliance'; readonly forMs: number };
  readonly limits?: PlaceLimits;
}

export interface PlaceLimits {
  /** Bytes a second. */
  readonly upload?: number;
  readonly download?: number;
  readonly connections?: number;
  /** Copies are brought in these hours only: minutes of the day, local time. `to` may lie before `from`: over midnight. */
  readonly hours?: { readonly from: number; readonly to: number };
}

/** Points as plain files, at times of their own. */
export interface ArchiveConfiguration {
  readonly name: string;
  /** An absolute path, or an address. */
  readonly to: string;
  readonly storageClass?: string;
  readonly credentials?: Readonly<Record<string, Secret>>;
  readonly components?: readonly string[];
  readonly encrypt?: { readonly gpg?: readonly string[]; readonly age?: readonly string[]; readonly passphrase?: Secret };
  readonly oneFile: boolean;
  readonly compression: 'gzip' | 'zstd';
  readonly keep?: KeepConfiguration;
  /** In the words of cron. */
  readonly schedule?: string;
}

/** What retention keeps, in the words of `policy/retention.ts`: a `RetentionPolicy`. */
export interface KeepConfiguration {
  readonly last?: number | 'unlimited';
  readonly hourly?: number | 'unlimited';
  readonly daily?: number | 'unlimited';
  readonly weekly?: number | 'unlimited';
  readonly monthly?: number | 'unlimited';
  readonly yearly?: number | 'unlimited';
  /** In years, months, days and hours: `1y6m7d12h`. */
  readonly within?: string;
}

/** A secret is named, not read, when the file is loaded; `readSecret(secret, context)` reads it when it is needed. Paths are absolute. */
export type Secret = { readonly value: string } | { readonly file: string } | { readonly env: string } | { readonly command: string };

export interface ComponentConfiguration {
  /** Its name in the file, such as `database`. */
  readonly name: string;
  readonly source: SourceConfiguration;
  /** Around this component alone. */
  readonly hooks: Hooks;
  readonly tags: readonly string[];
  /** Instead of what the repository keeps: its snapshots then stay or go for themselves. */
  readonly keep?: KeepConfiguration;
  /** Absent: nothing is due by itself, or it goes with the component that it is part of. */
  readonly schedule?: ScheduleConfiguration;
  readonly objective?: ObjectiveConfiguration;
  /** The component it was written as part of: `database`, for the base backups that `mode: both` saves beside the dump. Asking for that one means this one too. */
  readonly partOf?: string;
}

export type SourceConfiguration =
  | PostgresConfiguration
  | BaseConfiguration
  | FilesConfiguration
  | VolumesConfiguration
  | ConfigFilesConfiguration
  | RedisConfiguration
  | LogsConfiguration
  | CodeConfiguration;

export interface PostgresConfiguration {
  readonly kind: 'postgres';
  readonly at: PostgresAddress;
  /** Absent: the one that `at` names. */
  readonly databases?: 'all' | readonly string[];
  /** As pg_dump reads them: names or patterns. */
  readonly tables?: readonly string[];
  readonly schemas?: readonly string[];
  readonly excludeTables?: readonly string[];
  readonly only?: 'schema' | 'data';
  readonly format?: 'custom' | 'plain' | 'directory';
  /** Parallel dump: with the directory format. At least 1. */
  readonly jobs?: number;
  /** Roles and tablespaces too. */
  readonly roles?: boolean;
}

/** A whole server, file by file: with its write-ahead log it comes back as it was at any moment. */
export interface BaseConfiguration {
  readonly kind: 'postgres-base';
  readonly at: PostgresAddress;
  /** `fast`: the server writes its checkpoint at once; `spread`: at its own pace, which may take minutes. */
  readonly checkpoint: 'fast' | 'spread';
  /** Bytes a second that the server may send at most. */
  readonly rate?: number;
  /** Between full ones, changed pages only. A full one is due after this time, in milliseconds, ... */
  readonly fullEveryMs: number;
  /** ... or after so many increments; 0 for full ones only. */
  readonly increments: number;
  readonly wal: WalConfiguration;
}

export interface WalConfiguration {
  /** The replication slot, where it is not to be named after the application and the component. */
  readonly slot?: string;
  /** How often what the server wrote since is stored: what may be lost, in milliseconds. */
  readonly flushMs: number;
  /** Every transaction waits until the repository has it (the server's synchronous_standby_names names this receiver). */
  readonly synchronous: boolean;
}

/** A server's URL, or a server inside a container. */
export type PostgresAddress =
  | { readonly url: string | Secret }
  | (ContainerAddress & { readonly database: string; readonly user: string; readonly password?: Secret });

/** A Compose service (of `project`, else of the project of the file) or a container by its name or id. */
export type ContainerAddress = { readonly service: string; readonly project?: string } | { readonly container: string };

/** Files and folders of the host, or one Docker volume. The fields from `exclude` on are a `TreeSelection`. */
export interface FilesConfiguration {
  readonly kind: 'files';
  /** Absolute. Empty where `volume` is given. */
  readonly paths: readonly string[];
  /** A Docker volume, instead of paths: its name, or its name within the Compose project. */
  readonly volume?: string;
  readonly exclude?: readonly string[];
  readonly excludeInsensitive?: readonly string[];
  readonly excludeCaches?: boolean;
  readonly excludeIfPresent?: readonly string[];
  /** Bytes. */
  readonly excludeLargerThan?: number;
  readonly oneFileSystem?: boolean;
}

export interface VolumesConfiguration {
  readonly kind: 'volumes';
  /** Names, names within the Compose project, or patterns with * and ?. At least one. */
  readonly volumes: readonly string[];
  /** Stop the containers that use a volume while it is read. */
  readonly stop?: boolean;
}

export interface ConfigFilesConfiguration {
  readonly kind: 'config';
  /** Absolute paths, or patterns with * and ?. At least one. */
  readonly files: readonly string[];
  /** `encrypted`: whole, as everything in the repository is. `template`: secrets are left out. */
  readonly secrets: 'encrypted' | 'template';
}

export interface RedisConfiguration {
  readonly kind: 'redis';
  readonly at: RedisAddress;
  readonly password?: Secret;
}

/** A server's URL, or a server inside a container, with its port there and its ACL user where they are not the usual ones. */
export type RedisAddress = { readonly url: string | Secret } | (ContainerAddress & { readonly port?: number; readonly user?: string });

export interface LogsConfiguration {
  readonly kind: 'logs';
  readonly services: 'all' | readonly string[];
  /** How far back, at least 1. */
  readonly days: number;
}

export interface CodeConfiguration {
  readonly kind: 'code';
  /** Absolute path of a folder inside a git work tree. */
  readonly path: string;
}

export interface Hooks {
  readonly before: readonly CommandConfiguration[];
  /** When it was well. */
  readonly after: readonly CommandConfiguration[];
  /** When it was not. */
  readonly failed: readonly CommandConfiguration[];
}

export interface CommandConfiguration {
  /** For `sh -c`, in the folder of the file. Variables in it are the shell's own matter: nothing was replaced in it. */
  readonly run: string;
  /** Inside this Compose service instead of on the host. */
  readonly service?: string;
  /** It is ended after this time. 10 minutes unless said otherwise. */
  readonly withinMs: number;
}

export interface RecoveryConfiguration {
  /** Services that are stopped while data is put back. */
  readonly quiesce: readonly string[];
  /** When data is back and before services start: migrations. */
  readonly after: readonly CommandConfiguration[];
  readonly health?: HealthConfiguration;
  readonly smoke: readonly SmokeTest[];
}

/** Healthy when the URL answers with a status from 200 to 399, or when the service's own health check says so. */
export type HealthConfiguration =
  | { readonly url: string; readonly withinMs: number }
  | { readonly service: string; readonly withinMs: number };

/**
 * Passed when: the query's first value is true or not zero; the URL answers with `status` (200 unless given) and a body that
 * contains `contains`; the command ends with status 0. `component` is the database's, absent where there is only one.
 */
export type SmokeTest = SqlSmokeTest | HttpSmokeTest | CommandConfiguration;

export interface SqlSmokeTest {
  readonly sql: string;
  readonly component?: string;
}

export interface HttpSmokeTest {
  readonly http: string;
  readonly status?: number;
  readonly contains?: string;
}
