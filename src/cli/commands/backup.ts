import type { Configuration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import { exitStatus, type ExitStatus } from '../../errors.ts';
import type { ApplicationBackupReport } from '../../operations/application/back-up-application.ts';
import type { BackupOrder, BackupReport } from '../../operations/back-up.ts';
import type { PostgresMode } from '../../operations/choose-components.ts';
import { applicationContext, chooseRepositories, findConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import { type CommandDescription, type OptionDescription, shapeOf } from '../command-description.ts';
import { configuredRules } from '../configured-rules.ts';
import { excludeOptions, fileOptions, folderExcludeOptions, readRoots, readSelection } from '../file-selection.ts';
import { lockChoice, openNamedRepository, openOrCreateRepository, openRepository } from '../open-repository.ts';
import { readTime } from '../option-values.ts';

const compressions = ['auto', 'off', 'max'] as const;
const postgresModes = ['logical', 'physical', 'both'] as const satisfies readonly PostgresMode[];

export const backupCommand: CommandDescription = {
  name: 'backup',
  description:
    'Makes a recovery point of the application that the configuration describes, or without one of the files and databases named here. Data that the repository has already is not stored again.\nThe repository is created where there is none. Exit status 3: something could not be read, and everything else was saved.',
  arguments: [{ name: '[component...]', text: 'components of the configuration (default: all)' }],
  options: [
    ...fileOptions,
    { flags: '--postgres <url>', text: 'a PostgreSQL database, such as postgresql://user@host/name (may be repeated)' },
    {
      flags: '--mode <mode>',
      text: 'with --postgres: a dump of the database, base backups of its whole server, which come back as of any moment with `holdfast wal stream`, or both (default: logical)',
      choices: postgresModes,
    },
    {
      flags: '--combine',
      text: 'make a full base backup of the increments in the repository, without reading the server, so that a recovery has less to put together',
    },
    { flags: '--component <name>', text: 'what to call the component, where there is one (default: files, database)' },
    ...excludeOptions,
    ...folderExcludeOptions,
    { flags: '--tag <tags>', text: 'tags of the point, separated by commas (may be repeated)' },
    { flags: '--host <name>', text: "the point's host (default: this machine's name)" },
    { flags: '--time <time>', text: 'the point\'s time, such as "2026-11-20 14:30" (default: now)' },
    { flags: '--parent <point>', text: 'compare files with this point (default: the newest of the same host and paths)' },
    { flags: '-f, --force', text: 'compare with nothing: read every file' },
    { flags: '--skip-if-unchanged', text: 'make no point where nothing has changed' },
    { flags: '--with-atime', text: 'keep the times of last access' },
    { flags: '--compression <mode>', text: 'how hard to compress', choices: compressions },
    { flags: '--no-init', text: 'fail where there is no repository, rather than create it' },
    { flags: '-n, --dry-run', text: 'find out what would be stored, and store nothing' },
  ],
  examples: [
    'backup -c /srv/app/holdfast.yaml',
    'backup database',
    'backup -r /backups/app --files /srv/app/uploads --postgres postgresql://app@localhost/app',
    'backup -r /backups/app --postgres postgresql://replicator@localhost/postgres --mode physical',
    "backup -r /backups/app --files /home --exclude '*.tmp' --exclude-caches --tag nightly",
  ],
  run: async (context) => {
    const { options, args } = context;
    if ([...fileOptions.map(nameOf), 'postgres'].some((name) => options.has(name))) return backUpNamed(context);
    const configuration = await findConfiguration(context);
    if (configuration !== undefined) return backUpConfigured(context, configuration);
    if (args.length === 0) return backUpNamed(context);
    throw options.wrong(
      `"${args[0] ?? ''}" is a component, and there is no configuration file that says what it is; files are named with --files ${args[0] ?? ''}`,
    );
  },
};

/** Files and databases that the command line names. */
async function backUpNamed(context: CommandContext): Promise<ExitStatus> {
  const { options, args } = context;
  if (args.length > 0)
    throw options.wrong(`"${args[0] ?? ''}" is a component of a configuration, and --files and --postgres make a backup without one`);
  const { chooseComponents } = await import('../../operations/choose-components.ts');
  const roots = await readRoots(context);
  const component = options.text('component');
  const mode = postgresModes.find((each) => each === options.text('mode'));
  if (mode !== undefined && !options.has('postgres')) throw options.wrong('--mode goes with --postgres');
  if (options.has('combine') && (mode === undefined || mode === 'logical')) throw options.wrong('--combine goes with --mode physical');
  const components = await chooseComponents({
    ...(roots === undefined ? {} : { files: { roots, select: await readSelection(context) } }),
    databases: options.texts('postgres'),
    ...(mode === undefined ? {} : { mode }),
    combine: options.has('combine'),
    ...(component === undefined ? {} : { component }),
    environment: context.environment,
  });
  const order = { components, ...readOrder(context), lock: { ...lockChoice(context), noLock: false } };
  const { backUp, checkOrder, checkSources } = await import('../../operations/back-up.ts');
  // Before anything is created.
  checkOrder(order);
  await checkSources(order, context.signal);
  const began = context.clock.now();
  const repository = await (options.has('no-init') || options.has('dry-run') ? openRepository(context) : openOrCreateRepository(context));
  try {
    const report = await backUp(repository, order, context);
    return await show(context, { ...report, problems: report.problems + (await extendLocks(context, repository)) }, began);
  } finally {
    await repository.close();
  }
}

/** Where the place locks: what the configuration's rules keep there. */
async function extendLocks(context: CommandContext, repository: Repository): Promise<number> {
  if (repository.storage.retention === undefined) return 0;
  const { extendKeptLocks } = await import('../../operations/retention/extend-kept.ts');
  return extendKeptLocks(repository, (await configuredRules(context)) ?? {}, context);
}

/** Components of a configuration: all of them, or those that the command line names. */
async function backUpConfigured(context: CommandContext, configuration: Configuration): Promise<ExitStatus> {
  const { options, args } = context;
  const only = ['component', 'mode', 'parent', ...excludeOptions.map(nameOf), ...folderExcludeOptions.map(nameOf)].find((name) =>
    options.has(name),
  );
  if (only !== undefined)
    throw options.wrong(
      `--${only} is for a backup without a configuration; components are named without an option, and described in the file`,
    );
  const { backUpApplication } = await import('../../operations/application/back-up-application.ts');
  const began = context.clock.now();
  const creates = !options.has('no-init') && !options.has('dry-run');
  const { parent: _, ...order } = readOrder(context);
  const report = await backUpApplication(
    configuration,
    {
      names: args,
      combine: options.has('combine'),
      repositories: await chooseRepositories(context, configuration),
      open: (named, like) => (creates ? openOrCreateRepository(context, named, like) : openNamedRepository(context, named)),
      order: { ...order, lock: { ...lockChoice(context), noLock: false } },
    },
    await applicationContext(context),
  );
  return show(context, report, began);
}

async function show(context: CommandContext, report: BackupReport | ApplicationBackupReport, began: Date): Promise<ExitStatus> {
  const { options, output } = context;
  const { recordOfBackup, textOfBackup } = await import('../print/print-backup.ts');
  const seconds = (context.clock.now().getTime() - began.getTime()) / 1000;
  const shown = { report, began, seconds, dryRun: options.has('dry-run') };
  output.result(recordOfBackup(shown), () => (output.quiet ? '' : textOfBackup(shown)));
  return report.failed.length > 0 || report.problems > 0 ? exitStatus.incomplete : exitStatus.done;
}

function nameOf(option: OptionDescription): string {
  return shapeOf(option).name;
}

function readOrder({ options }: CommandContext): Omit<BackupOrder, 'components'> {
  const [host, parent] = [options.text('host'), options.text('parent')];
  const time = options.value('time', readTime);
  const compression = compressions.find((mode) => mode === options.text('compression'));
  return {
    tags: options.list('tag'),
    ...(host === undefined ? {} : { host }),
    ...(parent === undefined ? {} : { parent }),
    ...(time === undefined ? {} : { time }),
    ...(compression === undefined ? {} : { compression }),
    force: options.has('force'),
    dryRun: options.has('dry-run'),
    skipIfUnchanged: options.has('skip-if-unchanged'),
    withAtime: options.has('with-atime'),
  };
}
