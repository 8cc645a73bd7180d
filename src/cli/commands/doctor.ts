import type { Configuration, RepositoryConfiguration } from '../../config/configuration.ts';
import { exitStatus, isError } from '../../errors.ts';
import type { ExaminedDatabase, Examination } from '../../operations/doctor/examine.ts';
import { applicationContext, chooseRepositories, chooseRepository, findConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { openNamedPlace, openNamedRepository } from '../open-repository.ts';

const modes = ['logical', 'physical', 'both'] as const;

export const doctorCommand: CommandDescription = {
  name: 'doctor',
  description:
    'Looks at everything that would make the next backup or restore fail: repositories, their passwords, locks and space; databases, logins, rights, programs and, for base backups, each setting of the server; containers; the clock. What is wrong is told with the lines to paste.\nOf the application that the configuration describes, or without one of what is named here. Nothing is changed, but that a place which is not on this machine gets an object that is removed again. Exit status 1: something failed; warnings alone are 0.',
  options: [
    { flags: '--postgres <url>', text: 'a PostgreSQL database, such as postgresql://user@host/name (may be repeated)' },
    { flags: '--mode <mode>', text: 'how that database is to be backed up (default: logical)', choices: modes },
  ],
  examples: [
    'doctor',
    'doctor -c /srv/app/holdfast.yaml --json',
    'doctor -r /backups/app --postgres postgresql://holdfast@db.example/app --mode physical',
  ],
  run: async (context) => {
    const { options, output } = context;
    const { examine } = await import('../../operations/doctor/examine.ts');
    const { recordOfCheck, recordOfDoctor, textOfCheck, textOfDoctor } = await import('../print/print-doctor.ts');
    const application = await applicationContext(context);
    const configuration = options.has('postgres') ? undefined : await findConfiguration(context);
    const examination = configuration === undefined ? await examineNamed(context) : await examineConfigured(context, configuration);
    const counts = { ok: 0, warning: 0, failed: 0 };
    for await (const check of examine(examination, application)) {
      counts[check.status] += 1;
      if (!output.quiet || output.json || check.status !== 'ok') output.result(recordOfCheck(check), () => textOfCheck(check));
    }
    if (!output.quiet || output.json) output.result(recordOfDoctor(counts), () => textOfDoctor(counts));
    return counts.failed > 0 ? exitStatus.failed : exitStatus.done;
  },
};

/** What the command line and the environment name. */
async function examineNamed(context: CommandContext): Promise<Examination> {
  const { options, environment } = context;
  const databases = options.texts('postgres');
  const { replicatedServerAt } = await import('../../operations/physical/replicated-server.ts');
  const mode = options.text('mode') ?? 'logical';
  return {
    repositories: repositoriesOf(context, await namedRepositories(context, databases.length > 0)),
    databases: databases.map((url, at): ExaminedDatabase => ({
      component: databases.length === 1 ? 'database' : `database ${at + 1}`,
      dumps: mode !== 'physical',
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
  return { repositories: repositoriesOf(context, repositories), databases: configuredDatabases(tools), tools };
}

function repositoriesOf(context: CommandContext, named: readonly RepositoryConfiguration[]): Examination['repositories'] {
  return named.map((repository) => ({
    name: repository.name,
    url: repository.url,
    open: () => openNamedRepository(context, repository),
    openPlace: () => openNamedPlace(context, repository),
  }));
}
