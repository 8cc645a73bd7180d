import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { openRepository } from '../open-repository.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';

export const showCommand: CommandDescription = {
  name: 'show',
  description: 'Shows one recovery point: when and where it was made, its components, and whether it is proven.',
  arguments: [{ name: '[point]', text: `${pointText} (default: latest)` }],
  options: [componentOption, ...filterOptions],
  examples: ['show -r /backups/app latest'],
  run: async (context) => {
    const { locatePoint } = await import('../../operations/browse.ts');
    const { describePoint } = await import('../../operations/points.ts');
    const { textOfPoint } = await import('../print/print-points.ts');
    const repository = await openRepository(context);
    try {
      const { point } = await locatePoint(repository, readPoint(context.options, context.args[0]).point, context);
      const record = describePoint(point);
      const components = point.components.map(({ id, snapshot, tags }) => ({
        component: tags.component,
        kind: tags.kind,
        id,
        tree: snapshot.tree,
        parent: snapshot.parent ?? null,
        size: snapshot.summary?.total_bytes_processed ?? null,
        files: snapshot.summary?.total_files_processed ?? null,
        paths: snapshot.paths,
        excludes: snapshot.excludes ?? [],
        username: snapshot.username ?? '',
        program_version: snapshot.program_version ?? '',
      }));
      context.output.result({ message_type: 'point', ...record, details: components }, () => textOfPoint(record, components));
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};
