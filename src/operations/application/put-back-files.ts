/** Files come back in place, or below another folder with their whole paths. */
import type { ComponentConfiguration, FilesConfiguration } from '../../config/configuration.ts';
import type { Source } from '../../sources/source.ts';
import { createFilesSource } from '../../sources/files/files-source.ts';
import type { PutBack, PutBackRequest } from './put-back.ts';
import { isThere, placeBelow, restoreTree } from './restore-tree.ts';

/** A folder or file of the snapshot, and where it goes. */
export interface Placement {
  readonly from: string;
  readonly to: string;
}

export async function planFiles(request: PutBackRequest, { volume, paths }: FilesConfiguration): Promise<PutBack> {
  if (volume !== undefined) return (await import('./put-back-volumes.ts')).planVolumes(request);
  const { path, target, into, snapshot } = request;
  const roots = path === undefined ? snapshot.snapshot.paths : [path];
  const [only] = roots;
  // A folder that is called otherwise now: the configuration says where it is.
  const moved = into ?? (roots.length === 1 && paths.length === 1 && path === undefined && target === undefined ? paths[0] : undefined);
  const placements =
    moved !== undefined && only !== undefined && roots.length === 1
      ? [{ from: only, to: moved }]
      : roots.map((from) => ({ from, to: placeBelow(target ?? into, from) }));
  return planPlacements(request, placements);
}

/** Every root where it was, or below another folder. */
export function planTree(request: PutBackRequest): PutBack {
  const { snapshot, target } = request;
  return planPlacements(
    request,
    snapshot.snapshot.paths.map((from) => ({ from, to: placeBelow(target, from) })),
  );
}

/** Puts each where it goes; what is there already is compared, and only what differs is written. */
export function planPlacements(request: PutBackRequest, placements: readonly Placement[], stops: readonly string[] = []): PutBack {
  const { configuration, snapshot, repository, files = {} } = request;
  const amount = snapshot.snapshot.summary;
  const size = amount === undefined ? '' : ` (${amount.total_files_processed} files, ${amount.total_bytes_processed} bytes)`;
  const removal = files.delete === true ? '; what is there and not in the point is removed' : '';
  return {
    effects: placements.map(({ to }) => `${to}: made as it was in the point${placements.length === 1 ? size : ''}${removal}`),
    stops,
    writesLive: placements.some(({ to }) => touches(to, request)),
    present: () => presentFiles(configuration, placements),
    carryOut: async (context) => {
      const sums = { files: 0, bytes: 0, written: 0, removed: 0, problems: 0 };
      for (const placement of placements) {
        const done = await restoreTree(repository, { snapshot, ...placement, request: files }, context);
        sums.files += done.files;
        sums.bytes += done.bytes;
        sums.written += done.bytesToWrite;
        sums.removed += done.deletions;
        sums.problems += done.problems;
      }
      const { problems, ...facts } = sums;
      return { facts: { ...facts, target: placements.map(({ to }) => to).join(', ') }, problems };
    },
  };
}

/** Whether a place lies in, or around, what one of the application's components saves. Volumes are none of these: who plans them knows. */
function touches(place: string, { tools, snapshot, target }: PutBackRequest): boolean {
  const saved = tools.configuration.components.flatMap(({ source }) => (source.kind === 'files' ? source.paths : []));
  const isWithin = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);
  const own = target === undefined ? [...saved, ...snapshot.snapshot.paths] : saved;
  return own.some((path) => isWithin(place, path) || isWithin(path, place));
}

/** Under the component's own kind, so that it goes back as it came. */
async function presentFiles({ name, source }: ComponentConfiguration, placements: readonly Placement[]): Promise<Source | undefined> {
  const roots: string[] = [];
  for (const { to } of placements) if (await isThere(to)) roots.push(to);
  return roots.length === 0 ? undefined : { ...createFilesSource({ component: name, roots }), kind: source.kind };
}
