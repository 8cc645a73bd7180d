/** When a timeline began: its first bytes may have been received long after. */
import { isError } from '../errors.ts';
import { CommitScanner } from './commit-scanner.ts';
import { formatSegmentName, segmentNumberAt, segmentStart } from './segment-name.ts';
import type { TimelineBranch } from './timeline-branches.ts';
import type { WalArchive } from './wal-archive.ts';

/** By the server's clock, from the first record that it wrote there; undefined where that is not stored. Reads one segment. */
export async function readPromotionTime(archive: WalArchive, branch: TimelineBranch, segmentSize: number): Promise<Date | undefined> {
  const { timeline, path } = branch;
  const began = path.length > 1 ? path.at(-1)?.from : branch.coverage?.parent?.switchPoint;
  if (began === undefined) return undefined;
  const number = segmentNumberAt(began, segmentSize);
  try {
    const { content, filled } = await archive.readSegment(formatSegmentName({ timeline, number }, segmentSize));
    let at: Date | undefined;
    const scanner = new CommitScanner(
      () => {},
      (mark) => {
        if (mark.timeline === timeline) at ??= mark.at;
      },
    );
    scanner.feed(segmentStart(number, segmentSize), content.subarray(0, filled));
    return at;
  } catch (error) {
    if (isError(error, 'wal-missing')) return undefined;
    throw error;
  }
}
