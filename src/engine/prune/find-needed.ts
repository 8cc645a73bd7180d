/** What a set of snapshots cannot be restored without, as files of the repository. */
import type { Repository } from '../repository.ts';
import type { RunContext } from '../run-context.ts';
import { readPacksOfIndexFiles, sortIndexFiles } from './around-locks.ts';
import { choosePackUses } from './choose-copies.ts';
import { surveyRepository } from './survey-repository.ts';

export interface NeededFiles {
  readonly packs: ReadonlySet<string>;
  /** Those that name none but needed packs, and others only where those do not name every needed one. */
  readonly indexFiles: ReadonlySet<string>;
}

/** Reads every tree of these snapshots. Throws `prune-refused` where something that they need cannot be read, `damaged`, `interrupted`. */
export async function findNeededFiles(repository: Repository, snapshots: readonly string[], context: RunContext): Promise<NeededFiles> {
  const survey = await surveyRepository(repository, snapshots, context);
  const uses = choosePackUses(repository, survey);
  const idsOf = (isWanted: (usedBlobs: number) => boolean): Set<string> =>
    new Set(uses.filter(({ usedBlobs }) => isWanted(usedBlobs)).map(({ pack }) => survey.index.packs[pack] ?? ''));
  const named = await readPacksOfIndexFiles(repository, survey.indexFiles);
  const { soiled, onlySoiled } = sortIndexFiles(
    named,
    idsOf((usedBlobs) => usedBlobs === 0),
  );
  const isSoiled = new Set(soiled);
  const wanted = new Set(onlySoiled);
  return {
    packs: idsOf((usedBlobs) => usedBlobs > 0),
    indexFiles: new Set(survey.indexFiles.filter((file) => !isSoiled.has(file) || named.get(file)?.isDisjointFrom(wanted) === false)),
  };
}
