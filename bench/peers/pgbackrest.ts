/** pgBackRest, as Debian has it: its configuration and its commands. Nothing is run here. */
import { cleanEnvironment, password, type Command } from './peer.ts';

export interface PgBackRestVariant {
  readonly name: 'pgBackRest' | 'pgBackRest zst aes';
  /** Lines of its configuration beyond places. */
  readonly settings: readonly string[];
}

/** As it is without settings, and as somebody sets it up who wants what holdfast does by itself. */
export const pgBackRestVariants: readonly PgBackRestVariant[] = [
  { name: 'pgBackRest', settings: [] },
  {
    name: 'pgBackRest zst aes',
    settings: ['compress-type=zst', 'process-max=2', 'repo1-cipher-type=aes-256-cbc', `repo1-cipher-pass=${password}`],
  },
];

export interface PgBackRestPlace {
  /** Its own: configuration, repository, locks. */
  readonly folder: string;
  readonly dataFolder: string;
  readonly socketFolder: string;
  readonly port: number;
}

/** The text of its configuration file, `pgbackrest.conf` in its folder. */
export function pgBackRestConfiguration(
  { settings }: PgBackRestVariant,
  { folder, dataFolder, socketFolder, port }: PgBackRestPlace,
): string {
  return [
    '[global]',
    `repo1-path=${folder}/repository`,
    'repo1-retention-full=9',
    `lock-path=${folder}/lock`,
    `spool-path=${folder}/spool`,
    'log-level-file=off',
    'log-level-console=error',
    ...settings,
    '[bench]',
    `pg1-path=${dataFolder}`,
    `pg1-socket-path=${socketFolder}`,
    `pg1-port=${port}`,
    'pg1-user=postgres',
    '',
  ].join('\n');
}

export interface PgBackRestCommands {
  readonly version: Command;
  readonly create: Command;
  /**
   * With a checkpoint at once, as holdfast asks for it. The log is not waited for: the benchmark hands it over itself, and measures
   * that.
   */
  readonly backup: (type: 'full' | 'incr') => Command;
  readonly push: (segment: string) => Command;
  /** `time` in PostgreSQL's words, with a zone. */
  readonly restore: (target: string, time: string) => Command;
}

export function pgBackRestCommands(folder: string): PgBackRestCommands {
  const env = cleanEnvironment(`${folder}/home`);
  const own = (...words: string[]): Command => ({
    argv: ['pgbackrest', `--config=${folder}/pgbackrest.conf`, '--stanza=bench', ...words],
    env,
  });
  return {
    version: { argv: ['pgbackrest', 'version'], env },
    create: own('stanza-create'),
    backup: (type) => own(`--type=${type}`, '--start-fast', '--no-archive-check', 'backup'),
    push: (segment) => own('archive-push', segment),
    restore: (target, time) => own('--type=time', `--target=${time}`, '--target-action=promote', `--pg1-path=${target}`, 'restore'),
  };
}
