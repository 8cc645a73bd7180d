/** The recovery plan of an application, made anew from what is known, and kept in its repositories. */
import { hostname } from 'node:os';
import type { Configuration, RepositoryConfiguration } from '../config/configuration.ts';
import type { Repository } from '../engine/repository.ts';
import { reasonOf } from '../errors.ts';
import type { ApplicationContext } from '../operations/application/application-tools.ts';
import type { RecoveryPlan } from '../operations/application/recovery-plan.ts';
import type { Page } from '../operations/runbook/page.ts';
import { applicationContext } from './application-configuration.ts';
import type { CommandContext } from './command-context.ts';
import { lockChoice, openNamedRepository } from './open-repository.ts';

/** Opens each repository once. One that cannot be reached is on the page; one that does not keep it is a remark. */
export async function writeRunbook(
  whole: CommandContext,
  configuration: Configuration,
  { keep }: { readonly keep: boolean },
): Promise<Page> {
  // What is looked at for the page is no part of the run that is recorded.
  const { recorder: _, ...context } = whole;
  const opened = new Map<string, Repository>();
  const use = async <Result>(named: RepositoryConfiguration, work: (repository: Repository) => Promise<Result>): Promise<Result> => {
    const repository = await openNamedRepository(context, named);
    opened.set(named.name, repository);
    return work(repository);
  };
  try {
    const application = await applicationContext(context);
    const { readStatus } = await import('../operations/status/read-status.ts');
    const { makeRunbook } = await import('../operations/runbook/make-runbook.ts');
    const { notifyRoutes } = await import('../operations/notify/notify-routes.ts');
    const found = await readStatus(configuration, use, application);
    const plan = await planOfRecovery(context, configuration, [...opened.values()], application);
    const page = makeRunbook({
      configuration,
      ...found,
      ...(plan === undefined ? {} : { plan }),
      told: notifyRoutes(configuration, { environment: context.environment }).map(({ name, address }) => ({ name, address })),
      host: hostname(),
      environment: context.environment,
    });
    if (keep) await keepPage(context, configuration, page, opened);
    return page;
  } finally {
    await Promise.all([...opened.values()].map((repository) => repository.close()));
  }
}

/** What a recovery from the first that can be recovered from would do; none where there is none. */
async function planOfRecovery(
  context: CommandContext,
  { application }: Configuration,
  repositories: readonly Repository[],
  surroundings: ApplicationContext,
): Promise<RecoveryPlan | undefined> {
  const { recover } = await import('../operations/application/recover.ts');
  const order = { application, resume: false, dryRun: true, safetyCopy: true, lock: lockChoice(context), confirm: async () => false };
  for (const repository of repositories) {
    try {
      return (await recover(repository, order, surroundings)).plan;
    } catch (error) {
      if (context.signal.aborted) throw error;
    }
  }
  return undefined;
}

async function keepPage(
  { output, signal }: CommandContext,
  { application }: Configuration,
  page: Page,
  opened: ReadonlyMap<string, Repository>,
): Promise<void> {
  const { keepRunbook } = await import('../operations/runbook/keep-runbook.ts');
  const { renderMarkdown } = await import('../operations/runbook/page.ts');
  for (const [name, repository] of opened) {
    try {
      await keepRunbook(repository, application, renderMarkdown(page));
    } catch (error) {
      if (signal.aborted) throw error;
      output.remark(`it is not kept in the repository ${name}: ${reasonOf(error)}`);
    }
  }
}
