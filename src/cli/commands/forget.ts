import type { CommandDescription } from '../command-description.ts';
import { componentOption, filterOptions, pointText, readFilter, readPoint } from '../point-options.ts';
import { readGroupBy, readPolicy, retentionOptions } from '../retention-options.ts';
import { confirmOptions, freeingOptions, readFreeing, runPrune } from './prune.ts';

export const forgetCommand: CommandDescription = {
  name: 'forget',
  description:
    'Removes the points that are named, or those that no --keep rule keeps. Their data stays until a prune; with --prune it is removed at once.\nThe last point of a component is only removed with --force.',
  arguments: [{ name: '[point...]', text: pointText }],
  options: [
    ...retentionOptions,
    { flags: '--prune', text: 'also remove the data that only they needed' },
    ...freeingOptions,
    { flags: '-f, --force', text: 'even the last point of a component' },
    componentOption,
    ...filterOptions,
    ...confirmOptions,
  ],
  examples: ['forget -r /backups/app 1a2b3c4d --prune', 'forget -r /backups/app --keep-last 10 --dry-run'],
  run: async (context) => {
    const { options, args } = context;
    const policy = readPolicy(options);
    if ((policy === undefined) === (args.length === 0))
      throw options.wrong(
        policy === undefined ? 'no point and no --keep rule was given' : 'points are named, or chosen by --keep rules, and not both',
      );
    const points = args.map((text) => {
      const { point, path } = readPoint(options, text);
      if (path !== undefined) throw options.wrong('a whole point is removed, not a folder of it');
      return point;
    });
    return runPrune(context, {
      forget:
        policy === undefined ? { points, force: options.has('force') } : { policy, by: readGroupBy(options), filter: readFilter(options) },
      ...(options.has('prune') ? { free: readFreeing(context) } : {}),
    });
  },
};
