import { HoldfastError, exitStatus, type ExitStatus } from '../../errors.ts';
import type { PruneRequest } from '../../operations/prune.ts';
import type { RetentionPolicy } from '../../policy/retention.ts';
import { chooseRepository, findConfiguredRepository } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription, OptionDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { readSize } from '../option-values.ts';
import { filterOptions, readFilter } from '../point-options.ts';
import { readGroupBy, readPolicy, retentionOptions } from '../retention-options.ts';

/** How `prune`, and `forget --prune`, free space. */
export const freeingOptions: readonly OptionDescription[] = [
  {
    flags: '--max-unused <limit>',
    text: 'unused data that may stay, rather than be rewritten: a share of what is used, a size, or "unlimited" (default: 5%)',
  },
  { flags: '--max-repack-size <size>', text: 'rewrite at most this much' },
];

/** What `prune` and `forget` ask before they do anything. */
export const confirmOptions: readonly OptionDescription[] = [
  { flags: '-y, --yes', text: 'do not ask' },
  { flags: '-n, --dry-run', text: 'show what would be done, and do nothing' },
];

export const pruneCommand: CommandDescription = {
  name: 'prune',
  description:
    'Forgets the points that no --keep rule keeps, and removes the data that only they needed. Without a rule those of the configuration apply (keep, of this repository); where there are none, only unneeded data is removed.\nA point stays or goes with all its components. Rules are applied to the points of the same host, paths and components; the newest of each such group always stays.\nThe plan is shown first.',
  options: [...retentionOptions, ...freeingOptions, ...filterOptions, ...confirmOptions],
  examples: ['prune -r /backups/app --keep-daily 7 --keep-weekly 4 --dry-run', 'prune -r /backups/app --keep-last 10 --yes'],
  run: async (context) => {
    const { options } = context;
    const policy = readPolicy(options) ?? (await configuredPolicy(context));
    if (policy === undefined && (options.has('group-by') || options.has('host') || options.has('tag') || options.has('path')))
      throw options.wrong('no --keep rule was given for the points that were chosen');
    return runPrune(context, {
      ...(policy === undefined ? {} : { forget: { policy, by: readGroupBy(options), filter: readFilter(options) } }),
      free: readFreeing(context),
    });
  },
};

/** What the configuration says about this repository, where no rule was given: whether it was named, or its address was given. */
async function configuredPolicy(context: CommandContext): Promise<RetentionPolicy | undefined> {
  const chosen = await chooseRepository(context);
  return chosen.keep ?? (await findConfiguredRepository(context, chosen.url))?.keep;
}

/** Plans, shows, asks where somebody is there to answer, and does it. */
export async function runPrune(context: CommandContext, what: Pick<PruneRequest, 'forget' | 'free'>): Promise<ExitStatus> {
  const { options, output } = context;
  const dryRun = options.has('dry-run');
  const { askToConfirm, isInteractive } = await import('../ask.ts');
  const { prune } = await import('../../operations/prune.ts');
  const { recordOfPrune, recordsOfForget, textOfExpiry, textOfForget, textOfPrune, textOfPrunePlan } =
    await import('../print/print-prune.ts');
  const repository = await openRepository(context);
  try {
    const report = await prune(
      repository,
      {
        ...what,
        dryRun,
        lock: lockChoice(context),
        confirm: async (plan) => {
          if (plan.forget !== undefined) for (const record of recordsOfForget(plan.forget)) output.result(record, () => '');
          if (plan.forget !== undefined) output.say(textOfForget(plan.forget));
          if (plan.prune !== undefined) output.say(textOfPrunePlan(plan.prune));
          if (plan.wal !== undefined && plan.wal.length > 0) output.say(textOfExpiry(plan.wal));
          const isNothing = (plan.forget?.remove.length ?? 0) === 0 && plan.prune?.freedBytes === 0 && (plan.wal?.length ?? 0) === 0;
          if (dryRun || isNothing || options.has('yes') || !isInteractive()) return true;
          if (await askToConfirm('Do this?')) return true;
          throw new HoldfastError('not-confirmed');
        },
      },
      context,
    );
    output.result(recordOfPrune(report), () => (output.quiet ? '' : textOfPrune(report)));
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}

/** What `--max-unused` and `--max-repack-size` say. */
export function readFreeing({ options }: CommandContext): NonNullable<PruneRequest['free']> {
  const maxUnused = options.value('max-unused', (text) => {
    if (text === 'unlimited') return text;
    const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
    return percent === undefined ? readSize(text) : (`${Number(percent)}%` as const);
  });
  const maxRepackBytes = options.value('max-repack-size', readSize);
  return { ...(maxUnused === undefined ? {} : { maxUnused }), ...(maxRepackBytes === undefined ? {} : { maxRepackBytes }) };
}
