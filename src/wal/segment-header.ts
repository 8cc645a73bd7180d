/** What a stored segment, or a part of one, says about itself: readable without its body. */
import { readInteger, readObject, readString } from '../util/wire.ts';
import { formatLsn, parseLsn } from '../util/lsn.ts';
import { isSegmentSize, parseSegmentName, segmentStart } from './segment-name.ts';

/** A transaction's commit or abort in WAL. */
export interface CommitMark {
  /** Where its record begins. */
  readonly lsn: bigint;
  /** The server's clock, when it was written. Microseconds are dropped. */
  readonly at: Date;
}

export interface SegmentHeader {
  readonly systemId: string;
  readonly timeline: number;
  readonly segment: string;
  readonly segmentSize: number;
  readonly start: bigint;
  /** After the last byte. */
  readonly end: bigint;
  /** When the server sent the first and the last byte, by its clock. */
  readonly sentFrom: Date;
  readonly sentAt: Date;
  /** Everything committed until then is in these bytes or before them. */
  readonly completeAt?: Date;
  readonly firstCommit?: CommitMark;
  readonly lastCommit?: CommitMark;
  readonly sha256: string;
}

/** As it is stored. */
export function encodeHeader(header: SegmentHeader): object {
  const { start, end, sentFrom, sentAt, completeAt, firstCommit, lastCommit, ...rest } = header;
  return {
    v: 1,
    ...rest,
    start: formatLsn(start),
    end: formatLsn(end),
    sentFrom: sentFrom.toISOString(),
    sentAt: sentAt.toISOString(),
    ...(completeAt === undefined ? {} : { completeAt: completeAt.toISOString() }),
    ...(firstCommit === undefined ? {} : { firstCommit: encodeMark(firstCommit) }),
    ...(lastCommit === undefined ? {} : { lastCommit: encodeMark(lastCommit) }),
  };
}

/** Reads a stored header. Throws a plain error for what is none. */
export function decodeHeader(value: unknown): SegmentHeader {
  const json = readObject(value, 'the header');
  readInteger(json['v'], 'its version', 1, 1);
  const segmentSize = readInteger(json['segmentSize'], 'the size of a segment');
  if (!isSegmentSize(segmentSize)) throw new Error(`${segmentSize} bytes are not the size of a segment`);
  const segment = readString(json['segment'], 'the segment');
  const { timeline, number } = parseSegmentName(segment, segmentSize);
  const start = parseLsn(readString(json['start'], 'the start'));
  const end = parseLsn(readString(json['end'], 'the end'));
  const first = segmentStart(number, segmentSize);
  if (start < first || end <= start || end > first + BigInt(segmentSize)) throw new Error('its positions are not in its segment');
  if (readInteger(json['timeline'], 'the timeline') !== timeline) throw new Error('its timeline is not that of its segment');
  const sha256 = readString(json['sha256'], 'the hash');
  return {
    systemId: readString(json['systemId'], 'the system identifier'),
    timeline,
    segment,
    segmentSize,
    start,
    end,
    sentFrom: readMoment(json['sentFrom'] ?? json['sentAt']),
    sentAt: readMoment(json['sentAt']),
    ...(json['completeAt'] === undefined ? {} : { completeAt: readMoment(json['completeAt']) }),
    ...(json['firstCommit'] === undefined ? {} : { firstCommit: decodeMark(json['firstCommit']) }),
    ...(json['lastCommit'] === undefined ? {} : { lastCommit: decodeMark(json['lastCommit']) }),
    sha256,
  };
}

function encodeMark({ lsn, at }: CommitMark): object {
  return { lsn: formatLsn(lsn), at: at.toISOString() };
}

function decodeMark(value: unknown): CommitMark {
  const json = readObject(value, 'a commit');
  return { lsn: parseLsn(readString(json['lsn'], 'the position of a commit')), at: readMoment(json['at']) };
}

/** A moment as it is stored: ISO 8601 with a zone. Throws a plain error. */
export function readMoment(value: unknown): Date {
  const at = new Date(readString(value, 'a time'));
  if (Number.isNaN(at.getTime())) throw new Error('a time is none');
  return at;
}
