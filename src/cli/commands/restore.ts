import { resolve } from 'node:path';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError, exitStatus, type ExitStatus } from '../../errors.ts';
import type { LockChoice } from '../../operations/open-session.ts';
import { findConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { excludeOptions, readExcludes } from '../file-selection.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';
import {
  databaseOptions,
  momentOptions,
  onlyForMoments,
  overwriteModes,
  readDatabaseRequest,
  recoveryOptions,
} from '../restore-options.ts';
import { retrieveFirst, retrieveOption } from '../retrieve-first.ts';
import { notifyOption } from '../tell-of-recovery.ts';

export const restoreCommand: CommandDescription = {
  name: 'restore',
  description:
    'Puts a component of the configuration back where it came from: the plan is shown first, and what is overwritten is saved before.\nWithout a configuration: restores files below --target with their whole paths, or a database to the server that --postgres names.\nOf a point with files and a database --target gets the files; with --component database it gets the dump, as a file. Of code and templates, each named by --component, it gets what they stand for.\nWith POINT:/FOLDER only that folder is restored, and its content lies directly in the target.\nA database that is there is left alone unless --clean or --recreate says otherwise.\nA server of which there are base backups comes back as it was at any moment (--at, --lsn, --xid, --name): in the new folder --target, in its place without one, or some --tables of it into the live database.',
  arguments: [{ name: '[point]', text: `${pointText} (default: latest), with :/PATH behind it for a part of it` }],
  options: [
    { flags: '-t, --target <folder>', text: 'where files are put' },
    componentOption,
    ...filterOptions,
    { flags: '-i, --include <pattern>', text: 'only what fits this pattern (may be repeated)' },
    { flags: '--iinclude <pattern>', text: 'the same whatever the case of letters' },
    ...excludeOptions,
    { flags: '--overwrite <mode>', text: 'what happens to files that are there already (default: always)', choices: overwriteModes },
    { flags: '--delete', text: 'remove what is in the restored folders and not in the point' },
    { flags: '--verify', text: 'read every restored file again and compare it' },
    { flags: '--sparse', text: 'make holes of runs of zeros, which is the default' },
    { flags: '--no-sparse', text: 'write runs of zeros' },
    { flags: '--postgres <url>', text: 'restore a database, to this server and user' },
    { flags: '--into <name>', text: 'into another database, volume or folder (default: what it was when it was backed up)' },
    { flags: '--tables <names>', text: 'only these tables, separated by commas, each as NAME or SCHEMA.NAME' },
    { flags: '--schema-only', text: 'only definitions, no rows' },
    { flags: '--data-only', text: 'only rows, into tables that are there and empty' },
    { flags: '--clean', text: 'drop what the backup holds from a database that is there, and restore it, in one transaction' },
    { flags: '--recreate', text: 'replace a database that is there by a new one, once that has been restored and compared' },
    { flags: '--jobs <n>', text: 'restore with so many connections, into a new database' },
    { flags: '--volume <name>', text: 'only this volume of the component' },
    { flags: '--no-safety-copy', text: 'take no copy of what is overwritten (of a component of the configuration)' },
    notifyOption,
    { flags: '--no-owner', text: 'let everything belong to the user who restores' },
    { flags: '--roles', text: 'first create the saved roles that the server does not have' },
    ...recoveryOptions,
    retrieveOption,
    { flags: '-y, --yes', text: 'do not ask before something is removed' },
    { flags: '-n, --dry-run', text: 'show what would be done, and do nothing' },
  ],
  examples: [
    'restore --component database --recreate',
    'restore latest -r /backups/app --target /tmp/back',
    "restore 1a2b3c4d:/srv/app/uploads -r /backups/app --target ./uploads --include '*.jpg'",
    'restore latest -r /backups/app --component database --postgres postgresql://app@localhost/app --into app_copy',
    'restore --component database --at "2026-11-20 14:30" --target /var/lib/postgresql/looking --port 5433',
    'restore --component database --at "yesterday 18:00" --tables orders --clean',
  ],
  run: async (context) => {
    const { options } = context;
    if (momentOptions.some((name) => options.has(name))) return (await import('../restore-moment.ts')).restoreMoment(context);
    const early = onlyForMoments.find((name) => options.has(name));
    if (early !== undefined) throw options.wrong(`--${early} goes with a moment: --at, --lsn, --xid or --name`);
    options.onlyOneOf('target', 'postgres');
    if (options.has('postgres')) return restoreOneDatabase(context);
    if (!options.has('target')) {
      const configuration = await findConfiguration(context);
      if (configuration !== undefined) return (await import('../restore-configured.ts')).restoreConfigured(context, configuration);
    }
    const only = [...databaseOptions, 'into', 'volume'].find((name) => options.has(name));
    if (only !== undefined)
      throw options.wrong(
        `--${only} is for a ${only === 'volume' ? 'component of a configuration' : 'database, and --postgres URL says on which server'}`,
      );
    if (!options.has('target')) throw options.wrong('it is not said where to: files need --target FOLDER, a database needs --postgres URL');
    return restoreSomeFiles(context);
  },
};

/** What these say is for files as they were saved, or shows what would be done to them. */
const onlyForFiles = [
  'include',
  'iinclude',
  'exclude',
  'iexclude',
  'exclude-file',
  'iexclude-file',
  'overwrite',
  'delete',
  'verify',
  'no-sparse',
  'dry-run',
];

/** Code is checked out in the target, and templates become files below it. Undefined where the component is neither. */
async function restoreRecords(context: CommandContext, repository: Repository, locked: RunContext): Promise<ExitStatus | undefined> {
  const { options, output, environment } = context;
  const { point, path } = readPoint(options, context.args[0]);
  if (path !== undefined || onlyForFiles.some((name) => options.has(name))) return undefined;
  const { restoreBeside } = await import('../../operations/application/restore-beside.ts');
  const began = context.clock.now().getTime();
  const target = resolve(options.text('target') ?? '');
  const report = await restoreBeside(repository, { point, target, environment, lock: alreadyLocked }, locked);
  if (report === undefined) return undefined;
  const seconds = (context.clock.now().getTime() - began) / 1000;
  const { pointId, component, facts } = report;
  const record = { message_type: 'summary', point: pointId, component, ...facts, seconds_elapsed: seconds };
  const { textOfFacts } = await import('../print/print-restore.ts');
  output.result(record, () => (output.quiet ? '' : textOfFacts(report, seconds)));
  return exitStatus.done;
}

/** Asks, where somebody is there to answer, before what is there is removed to make room. */
async function confirmRemoval({ options }: CommandContext): Promise<void> {
  const removes = ['delete', 'clean', 'recreate'].find((name) => options.has(name));
  if (removes === undefined || options.has('yes') || options.has('dry-run')) return;
  const { askToConfirm, isInteractive } = await import('../ask.ts');
  if (!isInteractive()) return;
  if (!(await askToConfirm(`--${removes} removes what is there now and not in the point. Go on?`)))
    throw new HoldfastError('not-confirmed');
}

/** One lock is held over all of it. */
const alreadyLocked: LockChoice = { noLock: true };

async function restoreSomeFiles(context: CommandContext): Promise<ExitStatus> {
  const { withReadLock } = await import('../../operations/open-session.ts');
  const { point, path } = readPoint(context.options, context.args[0]);
  const excludes = await readExcludes(context);
  const lock = lockChoice(context);
  await confirmRemoval(context);
  const began = context.clock.now().getTime();
  const repository = await openRepository(context);
  try {
    if (!(await retrieveFirst(context, repository, (scopes, facts) => scopes.scopeOfPoint(point, path, facts)))) return exitStatus.done;
    return await withReadLock({
      repository,
      lock,
      context,
      work: async (locked) =>
        (await restoreRecords(context, repository, locked)) ?? restoreAsSaved(context, repository, { ...excludes, began }, locked),
    });
  } finally {
    await repository.close();
  }
}

async function restoreAsSaved(
  context: CommandContext,
  repository: Repository,
  { exclude, excludeInsensitive, began }: Awaited<ReturnType<typeof readExcludes>> & { readonly began: number },
  locked: RunContext,
): Promise<ExitStatus> {
  const { options, output } = context;
  const { restoreFiles } = await import('../../operations/restore-files.ts');
  const { linesOfPlan, recordOfRestore, textOfRestore } = await import('../print/print-restore.ts');
  const { point, path } = readPoint(options, context.args[0]);
  const overwrite = overwriteModes.find((mode) => mode === options.text('overwrite'));
  const dryRun = options.has('dry-run');
  const report = await restoreFiles(
    repository,
    {
      point,
      ...(path === undefined ? {} : { path }),
      lock: alreadyLocked,
      onPlan: (plan) => {
        if (dryRun) for (const line of linesOfPlan(plan)) output.result(line.record, () => (output.quiet ? '' : line.text));
      },
      restore: {
        target: options.text('target') ?? '',
        include: options.texts('include'),
        includeInsensitive: options.texts('iinclude'),
        ...(exclude === undefined ? {} : { exclude }),
        ...(excludeInsensitive === undefined ? {} : { excludeInsensitive }),
        ...(overwrite === undefined ? {} : { overwrite }),
        delete: options.has('delete'),
        verify: options.has('verify'),
        sparse: !options.has('no-sparse'),
        dryRun,
      },
    },
    locked,
  );
  const shown = { report, dryRun, seconds: (context.clock.now().getTime() - began) / 1000 };
  output.result(recordOfRestore(shown), () => (output.quiet ? '' : textOfRestore(shown)));
  return report.summaries.some(({ problems }) => problems > 0) ? exitStatus.incomplete : exitStatus.done;
}

async function restoreOneDatabase(context: CommandContext): Promise<ExitStatus> {
  const { options, output } = context;
  const { checkDatabaseRestore, restoreDatabase } = await import('../../operations/restore-database.ts');
  const { textOfFacts } = await import('../print/print-restore.ts');
  const { point, path } = readPoint(options, context.args[0]);
  if (path !== undefined) throw options.wrong('a database is restored by --component, --tables and the like, not by a path');
  if (options.has('dry-run')) throw options.wrong('--dry-run is for files; a database can be restored beside the others with --into NAME');
  const request = {
    point,
    url: options.text('postgres') ?? '',
    environment: context.environment,
    lock: lockChoice(context),
    restore: readDatabaseRequest(options),
  };
  await checkDatabaseRestore(request);
  await confirmRemoval(context);
  const began = context.clock.now().getTime();
  const repository = await openRepository(context);
  try {
    await retrieveFirst(context, repository, (scopes, facts) => scopes.scopeOfPoint(point, undefined, facts));
    const report = await restoreDatabase(repository, request, context);
    const seconds = (context.clock.now().getTime() - began) / 1000;
    const record = {
      message_type: 'summary',
      point: report.pointId,
      component: report.component,
      ...report.facts,
      seconds_elapsed: seconds,
    };
    output.result(record, () => (output.quiet ? '' : textOfFacts(report, seconds)));
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}
