import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { openRepository } from '../open-repository.ts';
import { formatCount } from '../print/quantities.ts';

export const unlockCommand: CommandDescription = {
  name: 'unlock',
  description:
    'Removes locks that nobody has refreshed for 30 minutes, or whose process on this host has ended. With --remove-all every lock: only for when nobody uses the repository.',
  options: [
    { flags: '--remove-all', text: 'remove every lock' },
    { flags: '-n, --dry-run', text: 'show which locks would be removed, and remove none' },
  ],
  examples: ['unlock -r /backups/app'],
  run: async (context) => {
    const { findRemovableLocks, unlock } = await import('../../operations/maintain.ts');
    const dryRun = context.options.has('dry-run');
    const repository = await openRepository(context);
    try {
      const removed = await (dryRun ? findRemovableLocks : unlock)(repository, context.options.has('remove-all'));
      const { output } = context;
      for (const { id, holder, ageMs } of removed)
        output.result(
          {
            message_type: 'unlocked',
            id,
            holder,
            ...(ageMs === undefined ? {} : { age_seconds: Math.round(ageMs / 1000) }),
            ...(dryRun ? { dry_run: true } : {}),
          },
          () => `${dryRun ? 'would remove' : 'removed'} the lock of ${holder}`,
        );
      const count = `${formatCount(removed.length, 'lock')} ${dryRun ? 'to remove; nothing was done' : 'removed'}`;
      output.say(removed.length === 0 ? 'no lock to remove' : count);
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};
