/** A segment as PostgreSQL wrote it to a file: what its first page says, and the commits in it. */
import { CommitScanner } from './commit-scanner.ts';
import type { CommitMark } from './segment-header.ts';
import { isSegmentSize, parseSegmentName, segmentStart } from './segment-name.ts';

export interface SegmentFile {
  readonly systemId: string;
  readonly segmentSize: number;
  readonly firstCommit?: CommitMark;
  readonly lastCommit?: CommitMark;
}

/** Checks that these bytes are the segment of that name. Throws a plain error where they are not. */
export function readSegmentFile(name: string, bytes: Buffer): SegmentFile {
  const segmentSize = bytes.length;
  if (!isSegmentSize(segmentSize)) throw new Error(`it has ${segmentSize} bytes, which no WAL segment has`);
  const { number } = parseSegmentName(name, segmentSize);
  const start = segmentStart(number, segmentSize);
  const hasLongHeader = (bytes.readUInt16LE(2) & 2) !== 0;
  if (bytes[1] !== 0xd1 || !hasLongHeader) throw new Error('it does not begin as a WAL segment does');
  if (bytes.readBigUInt64LE(8) !== start) throw new Error('it is another segment than its name says');
  if (bytes.readUInt32LE(32) !== segmentSize)
    throw new Error(`its cluster has segments of ${bytes.readUInt32LE(32)} bytes, and it has ${segmentSize}`);
  let [first, last]: [CommitMark | undefined, CommitMark | undefined] = [undefined, undefined];
  new CommitScanner((mark) => {
    first ??= mark;
    last = mark;
  }).feed(start, bytes);
  return {
    systemId: bytes.readBigUInt64LE(24).toString(),
    segmentSize,
    ...(first === undefined ? {} : { firstCommit: first }),
    ...(last === undefined ? {} : { lastCommit: last }),
  };
}
