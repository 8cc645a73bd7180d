/**
 * The dangerous part. The order is what makes it safe: new packs are stored and read back, then index files that name them are, then the old
 * index files go, and the old packs last. At every instant each index file names only packs that are there, and everything needed is named.
 */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { BitSet } from '../index/bit-set.ts';
import { IndexWriter } from '../index/index-writer.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { RepositoryLock } from '../lock/lock-repository.ts';
import { BlobOpener } from '../pack/blob-opener.ts';
import { PackBuilder } from '../pack/pack-builder.ts';
import type { PackedBlob } from '../pack/pack-header.ts';
import { readVerifiedBlobs } from '../pack/read-verified-blobs.ts';
import type { Repository } from '../repository.ts';
import { throwIfAborted, type RunContext } from '../run-context.ts';
import { isRefusal } from './removal.ts';
import { takeSurvey } from './planned-survey.ts';
import type { PrunePlan, PruneResult } from './prune-plan.ts';
import { isUsable, refuse, surveyRepository, type Survey } from './survey-repository.ts';

const deletionsAtOnce = 8;

interface PruneRun {
  readonly repository: Repository;
  readonly plan: PrunePlan;
  readonly survey: Survey;
  readonly context: RunContext;
}

/**
 * Does what the plan says, and nothing when the repository is not as it was. Needs an exclusive lock, and stops when it is lost.
 *
 * @throws HoldfastError `prune-outdated`, `prune-refused`, `damaged` when a used blob cannot be verified (then nothing is deleted),
 *   `lock-lost`, `interrupted`. Whatever is thrown, the repository is whole; what was left half done is cleared by the next prune.
 */
export async function executePrune(
  repository: Repository,
  plan: PrunePlan,
  lock: RepositoryLock,
  context: RunContext,
): Promise<PruneResult> {
  if (!lock.exclusive) throw new HoldfastError('internal', { reason: 'pruning was begun without an exclusive lock' });
  const guarded: RunContext = { events: context.events, signal: AbortSignal.any([lock.signal, context.signal]) };
  await assertUnchanged(repository, plan, []);
  const survey = takeSurvey(plan) ?? (await surveyRepository(repository, plan.snapshots, guarded));
  const run: PruneRun = { repository, plan, survey, context: guarded };
  const gone = numbersOf(run, [...plan.repackPacks, ...plan.deletePacks, ...plan.forgetPacks]);
  const moves = planMoves(run, gone);
  assertUnindexed(run);
  const index = new IndexWriter(repository);
  const newPacks = await moveBlobs(run, moves, index);
  await assertUnchanged(repository, plan, index.written);
  const isIndexClean = await replaceIndexFiles(run, gone, index);
  const deletedPacks = isIndexClean ? await deletePacks(run) : 0;
  await repository.loadIndex({ reload: true });
  const movedBlobs = [...moves.values()].reduce((sum, blobs) => sum + blobs.length, 0);
  const due =
    plan.repackPacks.length + plan.deletePacks.length + plan.deleteUnindexedPacks.length + (plan.aroundLocks?.waitingPacks.length ?? 0);
  return { deletedPacks, newPacks, movedBlobs, freedBytes: deletedPacks === 0 ? 0 : plan.freedBytes, waitingPacks: due - deletedPacks };
}

/** A snapshot or an index file that has come or gone since may change what is needed. */
async function assertUnchanged(repository: Repository, plan: PrunePlan, ownIndexFiles: readonly string[]): Promise<void> {
  const differs = (planned: readonly string[], now: readonly { id: string }[]): boolean => {
    const ids = new Set(planned);
    return ids.size !== now.length || !now.every(({ id }) => ids.has(id));
  };
  const outdated = (reason: string): HoldfastError => new HoldfastError('prune-outdated', { location: repository.location, reason });
  if (differs(plan.snapshots, await repository.listFiles('snapshot'))) throw outdated('it has other snapshots');
  if (differs([...plan.indexFiles, ...ownIndexFiles], await repository.listFiles('index'))) throw outdated('it has other index files');
}

function numbersOf({ survey, repository }: PruneRun, packs: readonly string[]): Set<number> {
  const numbers = new Set(packs.map((id) => survey.index.packNumber(id)));
  for (const number of numbers)
    if (number >= survey.indexedPacks)
      throw new HoldfastError('prune-outdated', { location: repository.location, reason: 'it has other packs' });
  return numbers;
}

function assertUnindexed({ survey, repository, plan }: PruneRun): void {
  for (const id of plan.deleteUnindexedPacks) {
    if (survey.index.packNumber(id) < survey.indexedPacks) throw refuse(repository, `pack ${id} is said to be in no index, and is in one`);
  }
}

/** Which blobs move, by pack. Every used blob must then be in a pack that stays or move: proved here, before anything is written. */
function planMoves({ repository, plan, survey }: PruneRun, gone: ReadonlySet<number>): Map<string, PackedBlob[]> {
  const { index, byPack, canonical, used } = survey;
  const covered = new BitSet(index.size);
  for (let pack = 0; pack < survey.indexedPacks; pack++) {
    if (gone.has(pack) || !isUsable(survey, pack)) continue;
    for (const entry of byPack.of(pack)) covered.add(canonical[entry] ?? 0);
  }
  const moves = new Map<string, PackedBlob[]>();
  for (const id of plan.repackPacks) {
    const pack = index.packNumber(id);
    if (!isUsable(survey, pack)) continue;
    const entries = byPack.of(pack);
    const moved = byPack.blobsOf(pack).filter((_, at) => {
      const blob = canonical[entries[at] ?? 0] ?? 0;
      return used.has(blob) && covered.add(blob);
    });
    if (moved.length > 0) moves.set(id, moved);
  }
  for (let entry = 0; entry < index.size; entry++) {
    if (used.has(entry) && !covered.has(entry))
      throw refuse(repository, `${index.typeOf(entry)} blob ${index.idOf(entry)} is needed and the plan would delete it`);
  }
  return moves;
}

/** Each blob is verified and then stored again as it is sealed: its IV is its own, so the same bytes are as good in another pack. */
async function moveBlobs(
  { repository, survey, context }: PruneRun,
  moves: ReadonlyMap<string, readonly PackedBlob[]>,
  index: IndexWriter,
): Promise<number> {
  if (moves.size === 0) return 0;
  const { events, signal } = context;
  events({ type: 'phase', phase: 'repack' });
  const builder = new PackBuilder(repository, index, { signal, readBack: true });
  const reading = { repository, index: survey.index, opener: new BlobOpener(repository.masterKey), signal };
  let done = 0;
  let bytes = 0;
  try {
    for (const [pack, blobs] of moves) {
      throwIfAborted(signal);
      for await (const { blob, sealed } of readVerifiedBlobs(reading, pack, blobs)) {
        await builder.addSealed(blob, sealed);
        bytes += sealed.length;
      }
      done += 1;
      events({ type: 'progress', phase: 'repack', itemsDone: done, itemsTotal: moves.size, bytesDone: bytes });
    }
    await builder.finish();
  } catch (error) {
    await builder.discard();
    throw error;
  }
  return builder.packs;
}

/**
 * New index files of what stays, read back; then the old ones go. False where one of those could not be removed: it still names packs that are to go,
 * and so they have to stay.
 */
async function replaceIndexFiles(run: PruneRun, gone: ReadonlySet<number>, index: IndexWriter): Promise<boolean> {
  const { repository, plan, survey, context } = run;
  const chosen = chooseIndexed(run, gone);
  if (chosen === undefined) return true;
  context.events({ type: 'phase', phase: 'rewrite index' });
  for (const pack of chosen.packs) {
    const id = survey.index.packs[pack];
    if (gone.has(pack) || id === undefined) continue;
    await index.add({ id, blobs: survey.byPack.blobsOf(pack) });
    throwIfAborted(context.signal);
  }
  await index.finish();
  for (const id of index.written) await repository.readFile('index', id);
  const refused: unknown[] = [];
  await mapConcurrently(plan.aroundLocks?.removeIndexFiles ?? plan.indexFiles, deletionsAtOnce, async (id) => {
    throwIfAborted(context.signal);
    if (refused.length > 0) return;
    try {
      await repository.removeFile('index', id);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused.push(error);
    }
  });
  for (const error of refused.slice(0, 1))
    context.events({
      type: 'notice',
      message: `No pack was removed, since an index file that names some is still there: ${reasonOf(error)}.`,
    });
  return refused.length === 0;
}

/** The packs that new index files name; undefined where none are to be written. */
function chooseIndexed(
  { plan: { aroundLocks }, survey }: PruneRun,
  gone: ReadonlySet<number>,
): { readonly packs: Iterable<number> } | undefined {
  if (aroundLocks === undefined)
    return gone.size > 0 || survey.byPack.saidTwice > 0
      ? { packs: Array.from({ length: survey.indexedPacks }, (_, pack) => pack) }
      : undefined;
  if (aroundLocks.reindexPacks.length + aroundLocks.removeIndexFiles.length === 0) return undefined;
  return { packs: aroundLocks.reindexPacks.map((id) => survey.index.packNumber(id)) };
}

/** A pack that cannot be deleted is only space: it is reported, and the next prune finds it. */
async function deletePacks({ repository, plan, context }: PruneRun): Promise<number> {
  const packs = [...plan.repackPacks, ...plan.deletePacks, ...plan.deleteUnindexedPacks];
  if (packs.length > 0) context.events({ type: 'phase', phase: 'delete packs' });
  let deleted = 0;
  await mapConcurrently(packs, deletionsAtOnce, async (id) => {
    throwIfAborted(context.signal);
    try {
      await repository.removeFile('pack', id);
      deleted += 1;
      context.events({ type: 'progress', phase: 'delete packs', itemsDone: deleted, itemsTotal: packs.length, bytesDone: 0 });
    } catch (error) {
      context.events({ type: 'notice', message: `Pack ${id.slice(0, 8)} could not be deleted: ${reasonOf(error)}.` });
    }
  });
  return deleted;
}
