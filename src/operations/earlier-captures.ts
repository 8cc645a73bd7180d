/** What a repository holds of a component from earlier runs. */
import type { Repository } from '../engine/repository.ts';
import type { EarlierCapture, Source } from '../sources/source.ts';
import { openCapturedTree } from './captured-tree.ts';
import { loadPoints, safetyTag } from './points.ts';

export interface WhoseCaptures {
  readonly source: Pick<Source, 'component' | 'kind'>;
  readonly application: string | undefined;
}

/** Newest first. A copy goes by the id it had in the repository it was copied from, which is what others call it. */
export async function* earlierCaptures(
  repository: Repository,
  { source, application }: WhoseCaptures,
  signal: AbortSignal,
): AsyncGenerator<EarlierCapture, void, undefined> {
  const own = (await loadPoints(repository)).flatMap(({ components }) => components);
  for (const capture of own.toSorted((a, b) => Date.parse(b.snapshot.time) - Date.parse(a.snapshot.time))) {
    const { tags, snapshot, id } = capture;
    if (tags.component !== source.component || tags.kind !== source.kind || tags.application !== application) continue;
    if (tags.own.includes(safetyTag)) continue;
    yield { snapshotId: snapshot.original ?? id, tree: openCapturedTree(repository, capture, signal) };
  }
}
