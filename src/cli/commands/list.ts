import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { openRepository } from '../open-repository.ts';
import { readCount } from '../option-values.ts';
import { filterOptions, readFilter } from '../point-options.ts';

export const listCommand: CommandDescription = {
  name: 'list',
  description:
    'Lists recovery points, oldest first. A point that no drill has restored is unproven. Snapshots made by restic are points of one component, files.',
  options: [
    ...filterOptions,
    { flags: '--component <name>', text: 'only points with this component' },
    { flags: '--latest <n>', text: 'only the newest n points' },
  ],
  examples: ['list -r /backups/app', 'list -r /backups/app --json --latest 1'],
  run: async (context) => {
    const { options, output } = context;
    const { filterPoints } = await import('../../operations/find-point.ts');
    const { describePoint, loadPoints } = await import('../../operations/points.ts');
    const { readProven } = await import('../../operations/drill/proven-snapshots.ts');
    const { textOfPoints } = await import('../print/print-points.ts');
    const repository = await openRepository(context);
    try {
      const component = options.text('component');
      const latest = options.value('latest', readCount);
      const fitting = filterPoints(await loadPoints(repository), readFilter(options)).filter(
        ({ components }) => component === undefined || components.some(({ tags }) => tags.component === component),
      );
      const proven = await readProven(repository, context.events);
      const chosen = latest === undefined ? fitting : fitting.slice(-latest || fitting.length);
      const points = chosen.map((point) => describePoint(point, proven));
      if (output.json) for (const point of points) output.result({ message_type: 'point', ...point }, () => '');
      else output.result({}, () => textOfPoints(points));
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};
