import type { OptionDescription } from './command-description.ts';

/** Understood by every command, before and after its name. */
export const globalOptions: readonly OptionDescription[] = [
  {
    flags: '-r, --repo <url>',
    text: 'the repository: a folder such as /backups/app, or a name in the configuration (or HOLDFAST_REPOSITORY)',
  },
  { flags: '--repository-file <file>', text: 'a file that holds its address (or HOLDFAST_REPOSITORY_FILE)' },
  { flags: '-p, --password-file <file>', text: 'a file that holds its password (or HOLDFAST_PASSWORD_FILE)' },
  { flags: '--password-command <command>', text: 'a program that prints its password (or HOLDFAST_PASSWORD_COMMAND)' },
  {
    flags: '-c, --config <file>',
    text: "the application's configuration (or HOLDFAST_CONFIG; default: holdfast.yaml, where there is one)",
  },
  { flags: '--profile <name>', text: 'a profile of the configuration, such as production (or HOLDFAST_PROFILE)' },
  { flags: '--json', text: 'print JSON, one object a line, on stdout' },
  { flags: '-q, --quiet', text: 'print nothing but results, problems and errors' },
  { flags: '-v, --verbose', text: 'print more' },
  { flags: '--no-lock', text: 'do not lock the repository; only for reading, such as from a disk that cannot be written' },
  { flags: '--wait-lock <duration>', text: 'how long to wait for a lock of somebody else, such as 5m' },
  { flags: '--limit-upload <rate>', text: 'bytes a second that are sent at most, such as 5M' },
  { flags: '--limit-download <rate>', text: 'bytes a second that are fetched at most' },
  { flags: '--cache-dir <folder>', text: 'where copies of small objects of a repository that is not on this machine are kept' },
  { flags: '--no-cache', text: 'keep no such copies' },
  {
    flags: '--as-of <time>',
    text: 'read a repository as it was at this time, where its place keeps earlier versions (an S3 bucket with versions)',
  },
  { flags: '--retry-lock <duration>', text: 'the same in words of restic', hidden: true },
];
