/** A snapshot of streams whose content is compared with the point's manifest on the way: with what was saved, and not only with itself. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../errors.ts';
import type { CapturedTree } from '../../sources/source.ts';
import { openCapturedTree } from '../captured-tree.ts';
import type { DrillRun, PlannedComponent } from './drill-run.ts';

export interface ProvedTree {
  readonly tree: CapturedTree;
  /** Streams that were read to their end and found as they were saved. */
  readonly proved: () => number;
  readonly bytes: () => number;
}

/** Reading a stream whose content is another than was saved throws `damaged` at its end. Without a manifest nothing is compared. */
export function openProvedTree({ repository, context }: DrillRun, { snapshot, saved }: PlannedComponent): ProvedTree {
  const tree = openCapturedTree(repository, snapshot, context.signal);
  const expected = new Map((saved?.streams ?? []).map((stream) => [stream.path, stream]));
  const proved = new Set<string>();
  let bytes = 0;
  async function* read(path: string): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of tree.read(path)) {
      hash.update(chunk);
      size += chunk.length;
      bytes += chunk.length;
      yield chunk;
    }
    const stream = expected.get(path.toWellFormed());
    if (stream === undefined) return;
    if (stream.size !== size || stream.sha256 !== hash.digest('hex'))
      throw new HoldfastError('damaged', {
        object: `${path} of the point ${snapshot.id.slice(0, 8)}`,
        reason: "its content is not what the point's manifest says was saved",
      });
    proved.add(path);
  }
  return {
    tree: { list: (path) => tree.list(path), entries: (path) => tree.entries(path), read },
    proved: () => proved.size,
    bytes: () => bytes,
  };
}

/** Reads every stream that has not been read yet. Throws `damaged`, and what reading throws. */
export async function proveAll({ tree }: ProvedTree): Promise<void> {
  for await (const { path } of tree.list()) for await (const _ of tree.read(path));
}
