/** Snapshots as they were read before, all in one file of this machine: ten thousand small files take seconds to open one by one. */
import type { KeptFolder } from '../kept/kept-folder.ts';
import type { Snapshot } from '../snapshot-json.ts';
import { decodeSnapshots, encodeSnapshots } from './snapshot-rows.ts';

/** With a number that changes when its form does. */
const keptName = 'snapshots-2';
/** The file is made anew when so many snapshots are not in it, or so many in it are gone. */
const mostApart = 16;
/** No repository has so many snapshots that they take more. */
const largestFile = 512 * 2 ** 20;

/** By id. Empty where nothing is kept. A snapshot's file never changes, so what was read once holds for as long as it is there. */
export async function readKeptSnapshots(kept: KeptFolder): Promise<Map<string, Snapshot>> {
  const read = await kept.read(keptName, async (reader) => {
    if (reader.size > largestFile) throw new Error('it is too large');
    return decodeSnapshots(await reader.rest());
  });
  return read ?? new Map();
}

/** Keeps these for the next run, if they differ enough from what is kept. */
export async function keepSnapshots(
  kept: KeptFolder,
  known: ReadonlyMap<string, Snapshot>,
  now: readonly { readonly id: string; readonly snapshot: Snapshot }[],
): Promise<void> {
  const fresh = now.filter(({ id }) => !known.has(id)).length;
  const gone = known.size - (now.length - fresh);
  if (fresh < mostApart && gone < Math.max(mostApart, known.size / 2)) return;
  const bytes = encodeSnapshots(now);
  await kept.write(keptName, bytes.length, [bytes]);
}
