/**
 * Names of WAL segments: `000000010000000000000003` is a timeline, and the number of the segment in two parts, whose meaning depends on how
 * large segments are (16 MiB unless the cluster was made with another size).
 */

export interface WalSegment {
  readonly timeline: number;
  /** Counted from the beginning of all WAL: position divided by the size of a segment. */
  readonly number: bigint;
}

const leastSize = 2 ** 20;
const mostSize = 2 ** 30;
const name = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;

/** A power of two from 1 MiB to 1 GiB. */
export function isSegmentSize(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= leastSize && bytes <= mostSize && Number.isInteger(Math.log2(bytes));
}

/** Whether a file name could be that of a segment, of whatever size. */
export function looksLikeSegment(text: string): boolean {
  return name.test(text);
}

/** The timeline in a segment's name. Throws a plain error. */
export function timelineOfSegment(text: string): number {
  const [, timeline] = name.exec(text) ?? [];
  if (timeline === undefined || Number.parseInt(timeline, 16) === 0)
    throw new Error(`"${text.slice(0, 40)}" is not the name of a WAL segment`);
  return Number.parseInt(timeline, 16);
}

/** Reads a segment's name. Throws a plain error for what is none with segments of this size. */
export function parseSegmentName(text: string, segmentSize: number): WalSegment {
  const [, , high, low] = name.exec(text) ?? [];
  const timeline = timelineOfSegment(text);
  const perHigh = segmentsPerHigh(segmentSize);
  const rest = BigInt(`0x${low ?? '0'}`);
  if (rest >= perHigh) throw new Error(`"${text}" is not the name of a WAL segment of ${segmentSize} bytes`);
  return { timeline, number: BigInt(`0x${high ?? '0'}`) * perHigh + rest };
}

export function formatSegmentName({ timeline, number }: WalSegment, segmentSize: number): string {
  const perHigh = segmentsPerHigh(segmentSize);
  return `${formatTimeline(timeline)}${hex8(number / perHigh)}${hex8(number % perHigh)}`;
}

/** `00000001` */
export function formatTimeline(timeline: number): string {
  return hex8(BigInt(timeline));
}

/** The segment that holds this position. */
export function segmentNumberAt(lsn: bigint, segmentSize: number): bigint {
  return lsn / BigInt(segmentSize);
}

/** The position of a segment's first byte. */
export function segmentStart(number: bigint, segmentSize: number): bigint {
  return number * BigInt(segmentSize);
}

/** How far into its segment a position is. */
export function offsetInSegment(lsn: bigint, segmentSize: number): number {
  return Number(lsn % BigInt(segmentSize));
}

function segmentsPerHigh(segmentSize: number): bigint {
  if (!isSegmentSize(segmentSize)) throw new Error(`${segmentSize} bytes are not the size of a WAL segment`);
  return 0x1_00_00_00_00n / BigInt(segmentSize);
}

function hex8(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
