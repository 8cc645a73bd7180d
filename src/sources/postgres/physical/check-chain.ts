/** Whether snapshots belong together, before anything is restored of them. */
import { HoldfastError } from '../../../errors.ts';
import type { BaseManifest } from './base-manifest.ts';

interface Link {
  readonly snapshotId: string;
  readonly manifest: BaseManifest;
}

/** Throws `damaged` where they are not one chain from a full on. */
export function checkChain<Member extends Link>(
  chain: readonly Member[],
): { readonly full: Member; readonly increments: readonly Member[]; readonly last: Member } {
  const [full, ...increments] = chain;
  const last = chain.at(-1);
  if (full === undefined || last === undefined)
    throw new HoldfastError('internal', { reason: 'a chain of no base backups was to be used' });
  for (const [at, { snapshotId, manifest }] of chain.entries()) {
    const before = chain.slice(0, at).map((link) => link.snapshotId);
    const fail = (reason: string): HoldfastError =>
      new HoldfastError('damaged', { object: `base backup ${snapshotId.slice(0, 8)}`, reason });
    if (manifest.chain.length !== before.length || manifest.chain.some((id, position) => id !== before[position]))
      throw fail(
        before.length === 0
          ? 'it is an increment, and what it builds on is missing'
          : 'it does not build on the base backups given before it',
      );
    if ((manifest.kind === 'full') !== (at === 0)) throw fail(`it says that it is ${manifest.kind}`);
    if (
      manifest.systemId !== full.manifest.systemId ||
      manifest.pageSize !== full.manifest.pageSize ||
      manifest.major !== full.manifest.major
    )
      throw fail('it is of another cluster than the base backup that it builds on');
  }
  return { full, increments, last };
}
