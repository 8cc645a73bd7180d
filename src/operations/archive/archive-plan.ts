/** What an archive is going to be: shown by `--dry-run`, and all that making it takes. */
import type { PointComponent } from '../points.ts';
import type { ArchiveItem } from './archive-item.ts';
import { compressionEndings, type ArchiveCompression } from './compress.ts';

export interface ArchivePlan {
  /** `northstar-timesheet-20261120T143000Z` */
  readonly name: string;
  readonly application?: string;
  readonly point: { readonly id: string; readonly time: string; readonly host: string };
  /** Snapshots that come from an older point, as the point itself lacks the component. */
  readonly older: readonly { readonly component: string; readonly time: string }[];
  readonly components: readonly PointComponent[];
  readonly items: readonly ArchiveItem[];
  readonly compression: ArchiveCompression;
  /** One file instead of a folder of files. */
  readonly oneFile: boolean;
}

/** What an item is called once it is compressed and encrypted. */
export function fileNameOf({ name, content, compressed }: ArchiveItem, { compression }: ArchivePlan, sealEnding: string): string {
  const tar = content.shape === 'folder' ? '.tar' : '';
  return `${name}${tar}${compressed ? compressionEndings[compression] : ''}${sealEnding}`;
}

/** The ending of the archive as one file. */
export function oneFileEnding({ compression }: Pick<ArchivePlan, 'compression'>, sealEnding: string): string {
  return `.tar${compressionEndings[compression]}${sealEnding}`;
}
