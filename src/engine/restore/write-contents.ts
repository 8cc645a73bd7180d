/** Has all contents of a plan written, and looks for another way where a blob cannot be read at its first place. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { keyOf } from '../layout.ts';
import type { Repository } from '../repository.ts';
import { rangeOf, scheduleBlobs, type Reading } from './blob-schedule.ts';
import { entryFlag } from './entry-table.ts';
import { locateLocalPacks } from './locate-local-packs.ts';
import type { RestoreCrew } from './restore-crew.ts';
import type { RestorePlan } from './restore-plan.ts';

/** Little at once from a disk whose pages are in memory anyway; where each request costs time and money, a whole pack of ours. */
const localReading: Reading = { jobBytes: 1 << 20, gapBytes: 64 << 10 };
const remoteReading: Reading = { jobBytes: 24 << 20, gapBytes: 2 << 20 };

/** What says that a blob is lost, rather than that the storage does not answer. */
const losses = new Set(['damaged', 'blob-missing', 'storage-missing', 'storage-short']);

/** Files whose blobs are lost get `damaged` and a reason in `damage`. Throws what stops the whole restore. */
export async function writeContents(
  repository: Repository,
  plan: RestorePlan,
  crew: RestoreCrew,
  damage: Map<number, string>,
  signal: AbortSignal,
): Promise<void> {
  const { table, index, totals } = plan;
  const packs = locateLocalPacks(repository, index);
  const schedule = scheduleBlobs(table, index, packs === undefined ? remoteReading : localReading);
  const order = new Uint32Array(schedule.order);
  await crew.withProgress('restore', totals.files, totals.bytesToWrite, async () => {
    await crew.write(schedule, packs);
    if (packs === undefined) await fetchJobs(repository, plan, crew, { order, jobs: new Uint32Array(schedule.jobs), signal });
    await rescueUnreadable(repository, plan, crew, order, damage);
    await crew.finish();
  });
  crew.throwIfStopped();
}

interface FetchWork {
  readonly order: Uint32Array;
  readonly jobs: Uint32Array;
  readonly signal: AbortSignal;
}

/** One range more than there are threads is under way or in memory: each may be as long as a pack. */
async function fetchJobs(repository: Repository, plan: RestorePlan, crew: RestoreCrew, { order, jobs, signal }: FetchWork): Promise<void> {
  let nextJob = 0;
  const turns = new Turns(crew.size);
  const fetchNext = async (): Promise<void> => {
    for (;;) {
      const job = nextJob++;
      const [from, to] = [jobs[job], jobs[job + 1]];
      if (from === undefined || to === undefined || crew.stopped) return;
      const { pack, offset, length } = rangeOf(order, from, to, plan.table, plan.index);
      const bytes = await repository.storage
        .get(keyOf('pack', plan.index.packs[pack] ?? ''), { offset, length }, signal)
        .catch((error: unknown) => {
          if (error instanceof HoldfastError && losses.has(error.code)) return undefined;
          throw error;
        });
      if (bytes === undefined) crew.unreadable.push({ from, to });
      else await turns.take(() => crew.give({ do: 'job', from, to, bytes }));
    }
  };
  await Promise.all(Array.from({ length: crew.size + 1 }, fetchNext));
}

/** Lets so many pieces of work run at a time. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  async take(work: () => Promise<void>): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** A blob may have another copy in another pack, which the repository knows to find. */
async function rescueUnreadable(
  repository: Repository,
  plan: RestorePlan,
  crew: RestoreCrew,
  order: Uint32Array,
  damage: Map<number, string>,
): Promise<void> {
  const { table, index } = plan;
  for (const { from, to } of crew.unreadable) {
    for (let at = from; at < to && !crew.stopped;) {
      const blob = table.blobs[order[at] ?? 0] ?? 0;
      let next = at + 1;
      while (next < to && table.blobs[order[next] ?? 0] === blob) next += 1;
      try {
        const bytes = await repository.readBlob('data', index.idOf(blob));
        await crew.give({ do: 'content', from: at, to: next, bytes });
      } catch (error) {
        if (!(error instanceof HoldfastError) || !losses.has(error.code)) throw error;
        for (const content of order.subarray(at, next)) {
          const file = table.files[content] ?? 0;
          table.setFlag(file, entryFlag.damaged);
          damage.set(file, reasonOf(error));
        }
      }
      at = next;
    }
  }
}
