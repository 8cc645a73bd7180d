/** Puts the base backup of a plan together in a folder. */
import type { Repository } from '../../engine/repository.ts';
import { executeRestore } from '../../engine/restore/execute-restore.ts';
import { planRestore } from '../../engine/restore/plan-restore.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError } from '../../errors.ts';
import type { AssembledBase, BaseInChain } from '../../sources/postgres/physical/assemble-base.ts';
import { assembleBase } from '../../sources/postgres/physical/assemble-base.ts';
import { baseLayout } from '../../sources/postgres/physical/base-layout.ts';
import type { OutsideFile } from '../../sources/postgres/recovery/settle-directory.ts';
import { openCapturedTree } from '../captured-tree.ts';
import type { StoredBase } from './find-bases.ts';
import type { MomentPlan } from './moment-plan.ts';

export interface PlanPlaces {
  /** Becomes the data directory: absent or empty. */
  readonly target: string;
  /** Where each tablespace goes, by oid. */
  readonly tablespaces: ReadonlyMap<string, string>;
  /** Where the server sees them, if that is elsewhere. */
  readonly links?: ReadonlyMap<string, string>;
}

/** Throws what assembling throws: `target-unusable`, `damaged`, `target-full`, …. */
export function assemblePlan(
  repository: Repository,
  { chain }: MomentPlan,
  places: PlanPlaces,
  context: RunContext,
): Promise<AssembledBase> {
  return assembleBase({
    chain: chain.map((base) => inChain(repository, base, context)),
    ...places,
    events: context.events,
    signal: context.signal,
  });
}

function inChain(repository: Repository, { snapshot, manifest }: StoredBase, context: RunContext): BaseInChain {
  return {
    snapshotId: snapshot.id,
    manifest,
    restoreTo: async (path, folder) => {
      const source = { id: snapshot.id, tree: snapshot.snapshot.tree, paths: snapshot.snapshot.paths };
      const plan = await planRestore(repository, source, { target: folder, subPath: path }, context);
      const { problems } = await executeRestore(repository, plan, context);
      if (problems > 0)
        throw new HoldfastError('restore-damaged', {
          paths: `${problems} of the files below ${path}`,
          reason: 'they could not be restored as they were',
        });
    },
  };
}

/** Configuration that lay outside the data directory. Throws `damaged`, `path-missing`. */
export async function readConfiguration(
  repository: Repository,
  { snapshot, manifest }: StoredBase,
  signal: AbortSignal,
): Promise<OutsideFile[]> {
  const tree = openCapturedTree(repository, snapshot, signal);
  const files: OutsideFile[] = [];
  for (const { stored } of manifest.configuration) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of tree.read(`${baseLayout.configuration}/${stored}`)) chunks.push(chunk);
    files.push({ stored, content: Buffer.concat(chunks) });
  }
  return files;
}
