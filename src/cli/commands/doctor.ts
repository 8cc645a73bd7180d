import type { Configuration, RepositoryConfiguration } from '../../config/configuration.ts';
import { exitStatus, isError, type ExitStatus } from '../../errors.ts';
import type { Examination, ExaminationChoice } from '../../operations/doctor/examine.ts';
import type { ExaminedDatabase } from '../../operations/doctor/look-at-component.ts';
import { applicationContext, chooseRepositories, chooseRepository, findConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { openNamedPlace, openNamedRepository } from '../open-repository.ts';
import { readDuration } from '../option-values.ts';
import { findPassword } from '../password-source.ts';

const modes = ['logical', 'physical', 'both'] as const;
const usualLimit = 30_000;

export const doctorCommand: CommandDescription = {
  name: 'doctor',
  description:
    'Looks at everything that would make the next backup or restore fail, or nobody hear of it: repositories, their passwords, keys, locks and space; databases, logins, rights, programs and, for base backups, each setting of the server; files and containers; the schedule, whether anything runs it and whether it did; who is told; secrets; the clocks of all of them. What is wrong is told with the lines to paste; --list says what is looked at.\nOf the application that the configuration describes, or without one of what is named here. Nothing is changed, but that a place which is not on this machine gets an object that is removed again. Exit status 1: something failed; warnings alone are 0.',
  options: [
    { flags: '--postgres <url>', text: 'a PostgreSQL database, such as postgresql://user@host/name (may be repeated)' },
    { flags: '--mode <mode>', text: 'how that database is to be backed up (default: logical)', choices: modes },
    {
      flags: '--only <what>',
      text: 'only this: host, configuration, schedule, notify, repositories, docker, components, or the name of a repository, a component or a notifier (may be repeated)',
    },
    { flags: '--within <duration>', text: 'how long each thing may take before it counts as hanging (default: 30s)' },
    { flags: '--list', text: 'list all checks that there are, and look at nothing' },
  ],
  examples: [
    'doctor',
    'doctor --only schedule --only notify',
    'doctor -c /srv/app/holdfast.yaml --json',
    'doctor -r /backups/app --postgres postgresql://holdfast@db.example/app --mode physical',
  ],
  endsAtOnce: true,
  run: async (context) => {
    const { options } = context;
    if (options.has('list')) return listChecks(context);
    const configuration = options.has('postgres') ? undefined : await findConfiguration(context);
    const examination = configuration === undefined ? await examineNamed(context) : await examineConfigured(context, configuration);
    const only = options.texts('only');
    await refuseUnknown(context, only, examination, configuration);
    return run(context, examination, { only, withinMs: options.value('within', readDuration) ?? usualLimit });
  },
};

async function run(context: CommandContext, examination: Examination, choice: ExaminationChoice): Promise<ExitStatus> {
  const { output } = context;
  const { examine } = await import('../../operations/doctor/examine.ts');
  const { recordOfCheck, recordOfDoctor, textOfCheck, textOfDoctor } = await import('../print/print-doctor.ts');
  const counts = { ok: 0, warning: 0, failed: 0 };
  for await (const check of examine(examination, choice, await applicationContext(context))) {
    counts[check.status] += 1;
    if (!output.quiet || output.json || check.status !== 'ok') output.result(recordOfCheck(check), () => textOfCheck(check));
  }
  if (!output.quiet || output.json) output.result(recordOfDoctor(counts), () => textOfDoctor(counts));
  return counts.failed > 0 ? exitStatus.failed : exitStatus.done;
}

async function listChecks({ output }: CommandContext): Promise<ExitStatus> {
  const { knownChecks } = await import('../../operations/doctor/list-of-checks.ts');
  const { recordOfKnown, textOfKnown } = await import('../print/print-doctor.ts');
  for (const check of knownChecks) output.result(recordOfKnown(check), () => '');
  output.say(textOfKnown(knownChecks));
  return exitStatus.done;
}

/** A word that means nothing would look at nothing, and find all well. Throws `usage`. */
async function refuseUnknown(
  { options }: CommandContext,
  only: readonly string[],
  { repositories, databases }: Examination,
  configuration: Configuration | undefined,
): Promise<void> {
  const { lookGroups } = await import('../../operations/doctor/look.ts');
  const names = [
    ...repositories.map(({ name }) => name),
    ...databases.map(({ component }) => component),
    ...(configuration?.components ?? []).map(({ name }) => name),
    ...(configuration?.notify ?? []).map(({ name }) => name),
  ];
  const stray = only.find((word) => ![...lookGroups, ...names].includes(word));
  if (stray !== undefined) throw options.wrong(`--only "${stray}" is none of ${[...new Set([...lookGroups, ...names])].join(', ')}`);
}

/** What the command line and the environment name. */
async function examineNamed(context: CommandContext): Promise<Examination> {
  const { options, environment } = context;
  const databases = options.texts('postgres');
  const { replicatedServerAt } = await import('../../operations/physical/replicated-server.ts');
  const mode = options.text('mode') ?? 'logical';
  return {
    repositories: await repositoriesOf(context, await namedRepositories(context, databases.length > 0)),
    databases: databases.map((url, at): ExaminedDatabase => ({
      component: databases.length === 1 ? 'database' : `database ${at + 1}`,
      dumps: mode !== 'physical',
      spools: false,
      open: () => replicatedServerAt(url, environment),
      ...(mode === 'logical' ? {} : { replication: {} }),
    })),
  };
}

/** Throws `repository-none-named` where nothing at all is named. */
async function namedRepositories(context: CommandContext, others: boolean): Promise<RepositoryConfiguration[]> {
  try {
    const chosen = await chooseRepository(context);
    return [{ ...chosen, name: chosen.url }];
  } catch (error) {
    if (others && isError(error, 'repository-none-named')) return [];
    throw error;
  }
}

async function examineConfigured(context: CommandContext, configuration: Configuration): Promise<Examination> {
  const { createTools } = await import('../../operations/application/application-tools.ts');
  const { configuredDatabases } = await import('../../operations/doctor/configured-databases.ts');
  const tools = createTools(configuration, await applicationContext(context));
  const repositories = await chooseRepositories(context, configuration);
  return { repositories: await repositoriesOf(context, repositories), databases: configuredDatabases(tools), tools };
}

async function repositoriesOf(context: CommandContext, named: readonly RepositoryConfiguration[]): Promise<Examination['repositories']> {
  const { shownAddress } = await import('../../operations/doctor/shown-address.ts');
  const found: Examination['repositories'][number][] = [];
  for (const each of named) {
    const repository = await withAskedPassword(context, each);
    const url = shownAddress(repository.url);
    found.push({
      name: repository.name === repository.url ? url : repository.name,
      url,
      open: () => openNamedRepository(context, repository),
      openPlace: () => openNamedPlace(context, repository),
    });
  }
  return found;
}

/** Where somebody has to be asked, that is done before: what is looked at at once, and against time, cannot wait for an answer. */
async function withAskedPassword(context: CommandContext, repository: RepositoryConfiguration): Promise<RepositoryConfiguration> {
  const { askPassword, isInteractive } = await import('../ask.ts');
  if (repository.password !== undefined || !isInteractive()) return repository;
  // What is wrong with a source is told when the repository is opened.
  const given = await findPassword(context.options, context.environment).catch(() => '');
  return given === undefined ? { ...repository, password: { value: await askPassword(`password for ${repository.url}`) } } : repository;
}
