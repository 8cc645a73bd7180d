import { exitStatus } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import type { ApplicationManifest } from '../../operations/application/application-manifest.ts';
import type { Point } from '../../operations/points.ts';
import type { CommandDescription } from '../command-description.ts';
import { openRepository } from '../open-repository.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';

export const showCommand: CommandDescription = {
  name: 'show',
  description:
    'Shows one recovery point: when and where it was made, its components, and whether it is proven; of an application also its manifest: versions, counts, sizes, and what failed.',
  arguments: [{ name: '[point]', text: `${pointText} (default: latest)` }],
  options: [componentOption, ...filterOptions],
  examples: ['show -r /backups/app latest'],
  run: async (context) => {
    const { locatePoint } = await import('../../operations/browse.ts');
    const { describePoint } = await import('../../operations/points.ts');
    const { textOfManifest, textOfPoint } = await import('../print/print-points.ts');
    const repository = await openRepository(context);
    try {
      const { point } = await locatePoint(repository, readPoint(context.options, context.args[0]).point, context);
      const { readProven } = await import('../../operations/drill/proven-snapshots.ts');
      const record = describePoint(point, await readProven(repository, context.events));
      const proven = new Set(record.proven_components);
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
        proven: proven.has(tags.component),
      }));
      const manifest = await readManifest(repository, point);
      context.output.result(
        { message_type: 'point', ...record, details: components, ...(manifest === undefined ? {} : { manifest }) },
        () =>
          manifest === undefined ? textOfPoint(record, components) : `${textOfPoint(record, components)}\n\n${textOfManifest(manifest)}`,
      );
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};

/** Only points of a configured application have one. */
async function readManifest(repository: Repository, point: Point): Promise<ApplicationManifest | undefined> {
  if (point.components.every(({ tags }) => tags.kind !== 'point')) return undefined;
  const { readManifestOf } = await import('../../operations/application/find-manifest.ts');
  return readManifestOf(repository, point);
}
