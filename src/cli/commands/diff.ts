import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';

export const diffCommand: CommandDescription = {
  name: 'diff',
  description:
    'Shows what changed from one point to another: + added, - removed, M content changed, T became something else, U only metadata changed.',
  arguments: [
    { name: '<from>', text: pointText },
    { name: '<to>', text: 'the same for the other' },
  ],
  options: [{ flags: '--metadata', text: 'also show what changed in nothing but times, owner or mode' }, componentOption, ...filterOptions],
  examples: ['diff -r /backups/app 1a2b3c4d latest'],
  run: async (context) => {
    const { options, args, output } = context;
    const [from, to] = [readPoint(options, args[0]), readPoint(options, args[1])];
    if (from.path !== undefined || to.path !== undefined) throw options.wrong('whole points are compared, not folders of them');
    const { diffPoints } = await import('../../operations/browse.ts');
    const { lineOfChange, recordOfChange, recordOfDiff, textOfDiff } = await import('../print/print-diff.ts');
    const repository = await openRepository(context);
    try {
      const compared = await diffPoints(
        repository,
        {
          from: from.point,
          to: to.point,
          metadata: options.has('metadata'),
          lock: lockChoice(context),
          onChange: (change) => output.result(recordOfChange(change), () => lineOfChange(change)),
        },
        context,
      );
      for (const component of compared) output.result(recordOfDiff(component), () => (output.quiet ? '' : textOfDiff(component)));
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};
