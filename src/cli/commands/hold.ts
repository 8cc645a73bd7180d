import { exitStatus, type ExitStatus } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { confirmPlan } from '../confirm-plan.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { readTime } from '../option-values.ts';
import { filterOptions, pointText, readPoint } from '../point-options.ts';
import { recordOfHold, textOfHolds } from '../print/print-holds.ts';

export const holdAddCommand: CommandDescription = {
  name: 'hold add',
  description:
    'Holds on to a point: neither a rule nor `forget` removes it, or anything that it needs, until it is released. The hold is kept in the repository, sealed as everything there is.',
  arguments: [{ name: '<point>', text: pointText }],
  options: [
    { flags: '--reason <text>', text: 'why, for whoever wonders later' },
    { flags: '--until <date>', text: 'it ends by itself then' },
    ...filterOptions,
  ],
  examples: ['hold add latest -r /backups/app --reason "before the migration" --until 2035-06-30', 'hold add 1a2b3c4d -r /backups/app'],
  run: (context) =>
    withRepository(context, async (repository, { addHold }) => {
      const { options, output } = context;
      const [reason, until] = [options.text('reason'), options.value('until', readTime)];
      const { hold, point } = await addHold(
        repository,
        {
          point: pointOf(context),
          lock: lockChoice(context),
          ...(reason === undefined ? {} : { reason }),
          ...(until === undefined ? {} : { until }),
        },
        context,
      );
      output.result(
        { ...recordOfHold({ hold, point }, repository.clock.now()), change: 'added' },
        () => `point ${point.id.slice(0, 8)} is held`,
      );
    }),
};

export const holdListCommand: CommandDescription = {
  name: 'hold list',
  description: 'Lists the points that are held, since when, until when and why.',
  examples: ['hold list -r /backups/app'],
  run: (context) =>
    withRepository(context, async (repository, { listHolds }) => {
      const holds = await listHolds(repository, lockChoice(context), context);
      const now = repository.clock.now();
      for (const held of holds) context.output.result(recordOfHold(held, now), () => '');
      context.output.say(textOfHolds(holds, now));
    }),
};

export const holdReleaseCommand: CommandDescription = {
  name: 'hold release',
  description: 'Releases every hold on a point: from now on the rules may remove it. What is released is shown first.',
  arguments: [{ name: '<point>', text: pointText }],
  options: [
    { flags: '-y, --yes', text: 'do not ask' },
    { flags: '-n, --dry-run', text: 'show what would be done, and do nothing' },
    ...filterOptions,
  ],
  examples: ['hold release 1a2b3c4d -r /backups/app --yes'],
  run: (context) =>
    withRepository(context, async (repository, { releaseHolds }) => {
      const now = repository.clock.now();
      const { released, done } = await releaseHolds(
        repository,
        {
          point: pointOf(context),
          lock: lockChoice(context),
          confirm: async (holds) => {
            const record = { message_type: 'plan', release: holds.map((held) => recordOfHold(held, now)) };
            return (await confirmPlan(context, record, () => textOfHolds(holds, now))) && !context.options.has('dry-run');
          },
        },
        context,
      );
      context.output.result({ message_type: 'summary', done, released: released.map(({ hold }) => hold.name) }, () =>
        done ? 'released' : 'nothing was done',
      );
    }),
};

function pointOf({ options, args }: CommandContext): ReturnType<typeof readPoint>['point'] {
  const { point, path } = readPoint(options, args[0] ?? '');
  if (path !== undefined) throw options.wrong('a whole point is held, not a folder of it');
  return point;
}

async function withRepository(
  context: CommandContext,
  work: (repository: Repository, holds: typeof import('../../operations/retention/holds.ts')) => Promise<void>,
): Promise<ExitStatus> {
  const repository = await openRepository(context);
  try {
    await work(repository, await import('../../operations/retention/holds.ts'));
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}
