import { HoldfastError, exitStatus, type ExitStatus } from '../../errors.ts';
import type { ForgetByRules, PruneRequest, WholePlan } from '../../operations/prune.ts';
import { configuredRules } from '../configured-rules.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription, OptionDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { readSize, readTime } from '../option-values.ts';
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
  {
    flags: '--allow-large',
    text: 'with --yes, or where nobody can be asked: even if more than half of the points would go, and more than ten',
  },
  { flags: '-n, --dry-run', text: 'show what would be done, and do nothing' },
];

export const pruneCommand: CommandDescription = {
  name: 'prune',
  description:
    'Forgets the points that no --keep rule keeps, and removes the data that only they needed. Without a rule those of the configuration apply (keep, of this repository and of components); where there are none, only unneeded data is removed.\nA point stays or goes with all its components, but for those with rules of their own. Rules are applied to the points of the same host, paths and components. Whatever they say, these stay: the newest point of each component, whole or not, held points, what others need, and what says to be of the future.\nThe plan is shown first. What is locked where it lies waits, and goes by a later prune.',
  options: [
    ...retentionOptions,
    ...freeingOptions,
    ...filterOptions,
    ...confirmOptions,
    { flags: '--at <date>', text: 'show what would stay on that day if a point were made every day, and do nothing' },
  ],
  examples: [
    'prune -r /backups/app --keep-daily 7 --keep-weekly 4 --dry-run',
    'prune -r /backups/app --keep-last 10 --yes',
    'prune -r /backups/app --keep-daily 30 --keep-monthly 12 --at 2030-01-01',
  ],
  run: async (context) => {
    const { options } = context;
    const policy = readPolicy(options);
    const rules = policy === undefined ? await configuredRules(context) : { policy };
    if (rules === undefined && ['group-by', 'host', 'tag', 'path', 'at'].some((name) => options.has(name)))
      throw options.wrong('no --keep rule was given for the points that were chosen');
    const forget: ForgetByRules | undefined = rules && { ...rules, by: readGroupBy(options), filter: readFilter(options) };
    const at = options.value('at', readTime);
    if (forget !== undefined && at !== undefined) return showPreview(context, forget, at);
    return runPrune(context, { ...(forget === undefined ? {} : { forget }), free: readFreeing(context) });
  },
};

async function showPreview(context: CommandContext, forget: ForgetByRules, at: Date): Promise<ExitStatus> {
  const { preview } = await import('../../operations/retention/preview.ts');
  const { recordOfPreview, textOfPreview } = await import('../print/print-forget.ts');
  const repository = await openRepository(context);
  try {
    const shown = await preview(repository, { forget, at, lock: lockChoice(context) }, context);
    context.output.result(recordOfPreview(shown), () => textOfPreview(shown));
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}

/** Plans, shows, asks where somebody is there to answer, and does it. What the place does not let go waits, and is no failure. */
export async function runPrune(context: CommandContext, what: Pick<PruneRequest, 'forget' | 'free'>): Promise<ExitStatus> {
  const { options, output } = context;
  const { prune } = await import('../../operations/prune.ts');
  const { recordOfPrune, textOfPrune } = await import('../print/print-prune.ts');
  const repository = await openRepository(context);
  try {
    const report = await prune(
      repository,
      {
        ...what,
        dryRun: options.has('dry-run'),
        lock: lockChoice(context),
        confirm: async (plan) => {
          await showPlan(context, plan);
          const answer = await confirmPrune(context, plan);
          await context.recorder?.planned();
          return answer;
        },
      },
      context,
    );
    output.result(recordOfPrune(report), () => (output.quiet ? '' : textOfPrune(report)));
    if (report.refusal !== undefined && output.quiet) output.finding(recordOfPrune(report), () => textOfPrune(report));
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}

async function showPlan({ options, output }: CommandContext, plan: WholePlan): Promise<void> {
  const { textOfExpiry, textOfPrunePlan } = await import('../print/print-prune.ts');
  const { recordsOfForget, textOfForget } = await import('../print/print-forget.ts');
  if (plan.forget !== undefined) {
    for (const record of recordsOfForget(plan.forget)) output.result(record, () => '');
    output.say(textOfForget(plan.forget, { calendar: options.has('dry-run'), all: output.verbose }));
  }
  if (plan.prune !== undefined) output.say(textOfPrunePlan(plan.prune));
  if (plan.wal !== undefined && plan.wal.length > 0) output.say(textOfExpiry(plan.wal));
}

/** `--yes` is for schedules, which run unattended: what is large needs a word of its own. */
async function confirmPrune({ options }: CommandContext, plan: WholePlan): Promise<boolean | 'even if large'> {
  const { askToConfirm, isInteractive } = await import('../ask.ts');
  const isNothing = (plan.forget?.remove.length ?? 0) === 0 && plan.prune?.freedBytes === 0 && (plan.wal?.length ?? 0) === 0;
  if (options.has('allow-large')) {
    if (options.has('yes') || !isInteractive()) return 'even if large';
  } else if (options.has('dry-run') || isNothing || options.has('yes') || !isInteractive()) return true;
  if (await askToConfirm('Do this?')) return 'even if large';
  throw new HoldfastError('not-confirmed');
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
