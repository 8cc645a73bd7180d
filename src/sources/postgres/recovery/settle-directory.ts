/** Makes a restored data directory one that can be started by itself beside the live cluster, now and later, without harm to that. */
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Settings } from './recovery-target.ts';
import { quietSettings, withoutJobs } from './recovery-settings.ts';
import { writeAs, type ServerUser } from './server-user.ts';
import { putSettings } from './settings-file.ts';

/** A configuration file that lay outside the data directory. */
export interface OutsideFile {
  /** Below the folder of configuration: `postgresql.conf`, `conf.d/10-memory.conf`. */
  readonly stored: string;
  readonly content: Uint8Array;
}

/** Debian keeps configuration outside the data directory: what is not inside is put there, and what it says about places is taken out. */
export async function putConfiguration(dataDirectory: string, files: readonly OutsideFile[], user: ServerUser | undefined): Promise<void> {
  for (const { stored, content } of files) {
    const path = join(dataDirectory, stored);
    if (existsSync(path)) continue;
    await makeFolder(dirname(path), user);
    await writeAs(path, content, user);
  }
  const main = join(dataDirectory, 'postgresql.conf');
  const text = existsSync(main) ? await readFile(main, 'latin1') : '# The backup held no postgresql.conf.\n';
  await writeAs(main, Buffer.from(withoutPlaces(text), 'latin1'), user);
  const rules = join(dataDirectory, 'pg_hba.conf');
  if (!existsSync(rules)) await writeAs(rules, defaultRules, user);
  const identities = join(dataDirectory, 'pg_ident.conf');
  if (!existsSync(identities)) await writeAs(identities, '', user);
}

const defaultRules = 'local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n';

/** Of these only the place of the data cannot be overruled by postgresql.auto.conf. */
function withoutPlaces(text: string): string {
  return text.replaceAll(/^\s*data_directory\b/gm, '# (holdfast: another place) data_directory');
}

export interface AsidePlace {
  readonly dataDirectory: string;
  readonly user: ServerUser | undefined;
  /** Listens there on this machine only; without one, on its socket alone. */
  readonly port?: number;
  readonly major: number;
  /** As the base backup noted them. */
  readonly settings: Settings;
}

/** Settings of a copy for looking at. Other settings, such as those of a recovery that goes on, come after them. */
export async function settleAside(place: AsidePlace, others: Settings = {}): Promise<void> {
  const { dataDirectory, user, major, settings } = place;
  const libraries = settings['shared_preload_libraries'];
  const own: Settings = {
    ...quietSettings,
    ...(libraries === undefined || withoutJobs(libraries) === libraries ? {} : { shared_preload_libraries: withoutJobs(libraries) }),
    hba_file: join(dataDirectory, 'pg_hba.conf'),
    ident_file: join(dataDirectory, 'pg_ident.conf'),
    external_pid_file: '',
    listen_addresses: place.port === undefined ? '' : 'localhost',
    port: String(place.port ?? 5432),
    unix_socket_directories: await socketFolderFor(place),
    unix_socket_group: '',
    ssl: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    ...(major < 15 ? { stats_temp_directory: 'pg_stat_tmp' } : {}),
    ...others,
  };
  const why =
    'this is a copy. It neither archives nor follows subscriptions, and listens only here. Take them out to make it a server of its own.';
  await putSettings(dataDirectory, own, why, user);
}

/** Where clients look by default, if the server may write there; else its own folder. */
async function socketFolderFor({ dataDirectory, user, port }: AsidePlace): Promise<string> {
  const usual = '/var/run/postgresql';
  if (port === undefined) return Buffer.byteLength(dataDirectory) < 80 ? dataDirectory : '/tmp';
  const found = await stat(usual).catch(() => undefined);
  return found !== undefined && found.uid === (user?.uid ?? process.getuid?.()) ? usual : '/tmp';
}

async function makeFolder(path: string, user: ServerUser | undefined): Promise<void> {
  if (existsSync(path)) return;
  await makeFolder(dirname(path), user);
  await mkdir(path, { mode: 0o700 });
  if (user !== undefined) await chown(path, user.uid, user.gid);
}
