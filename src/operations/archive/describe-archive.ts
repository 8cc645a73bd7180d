/** manifest.json of an archive. */
import { readVersion } from '../../util/program-version.ts';
import type { ArchiveItem } from './archive-item.ts';
import type { ArchivePlan } from './archive-plan.ts';
import type { Sealer } from './sealing.ts';

export interface DescribedFile {
  readonly item: ArchiveItem;
  /** As it was written; of one that is a folder in the archive only its name. */
  readonly file: { readonly name: string; readonly size?: number; readonly sha256?: string };
  /** Before compression and encryption. */
  readonly plainBytes: number;
}

export function describeArchive(plan: ArchivePlan, files: readonly DescribedFile[], sealer: Sealer | undefined): string {
  const { name, application, point, components, compression } = plan;
  const manifest = {
    format: 1,
    archive: name,
    ...(application === undefined ? {} : { application }),
    host: point.host,
    time: point.time,
    point: point.id,
    made_by: `holdfast ${readVersion()}`,
    compression,
    encryption: sealer?.title ?? null,
    components: components
      .filter(({ tags }) => tags.kind !== 'point')
      .map(({ id, tags, snapshot }) => ({
        component: tags.component,
        kind: tags.kind,
        snapshot: id,
        time: snapshot.time,
        paths: snapshot.paths,
        files: snapshot.summary?.total_files_processed ?? null,
        bytes: snapshot.summary?.total_bytes_processed ?? null,
      })),
    files: files.map(({ item, file, plainBytes }) => ({
      ...file,
      ...(item.component === undefined ? {} : { component: item.component }),
      kind: item.kind,
      title: item.recipe.title,
      plain_bytes: plainBytes,
      ...item.facts,
    })),
  };
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}
