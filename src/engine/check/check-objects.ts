/** What lies beside restic's format, below `holdfast/`: the write-ahead log, reports of drills, the audit trail. Each object is read, and its seal looked at. */
import { createHash, randomInt } from 'node:crypto';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import { mapConcurrently } from '../concurrency.ts';
import { openSealedObjects } from '../objects/sealed-objects.ts';
import type { Repository } from '../repository.ts';
import { throwIfAborted, type RunContext } from '../run-context.ts';
import type { ReadDataChoice } from './check-report.ts';
import type { Findings } from './findings.ts';

const readAtOnce = 4;
/** What the doctor wrote to try a place, and could not remove: plain bytes. */
const unsealed = 'doctor/';

/** Returns how many were read. Whether one is missing is known to those who read them: gaps of the log, breaks of a chain. */
export async function checkObjects(
  repository: Repository,
  choice: ReadDataChoice,
  findings: Findings,
  { events, signal }: RunContext,
): Promise<number> {
  if (choice === 'none') return 0;
  const objects = openSealedObjects(repository);
  let read = 0;
  await mapConcurrently(objects.list(''), readAtOnce, async ({ name }) => {
    throwIfAborted(signal);
    if (name.startsWith(unsealed) || !isChosen(name, choice)) return;
    try {
      await objects.get(name, signal);
    } catch (error) {
      // Replaced or removed meanwhile, as parts of a segment are when it is whole.
      if (isError(error, 'storage-missing')) return;
      if (!(error instanceof HoldfastError) || error.code !== 'damaged') throw error;
      findings.error(`object holdfast/${name}`, reasonOf(error));
    }
    read += 1;
    if (read % 100 === 0) events({ type: 'progress', phase: 'read objects', itemsDone: read, bytesDone: 0 });
  });
  return read;
}

function isChosen(name: string, choice: Exclude<ReadDataChoice, 'none'>): boolean {
  if (choice === 'all') return true;
  if ('percent' in choice) return randomInt(1_000_000) < choice.percent * 10_000;
  // The same objects are in the same share each time, so that all shares together are everything.
  return createHash('sha256').update(name).digest().readUInt32BE(0) % choice.of === choice.part - 1;
}
