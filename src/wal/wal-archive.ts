/** The WAL of one cluster as the repository has it: whole segments, parts of the one being filled, timeline histories. */
import type { CommitMark, SegmentHeader } from './segment-header.ts';

export interface WalArchive {
  /** The system identifier of the cluster: WAL of another never mixes with it. */
  readonly systemId: string;

  /** Bytes in a segment; undefined while the archive is empty. */
  segmentSize(): Promise<number | undefined>;

  /** What is stored of each timeline that has anything, ascending: one listing. */
  timelines(): Promise<readonly TimelineContents[]>;

  /** What is stored of one timeline. */
  contents(timeline: number): Promise<TimelineContents>;

  /**
   * The bytes of a segment, verified: from the whole object, or from its parts as far as they follow each other from its beginning. Throws
   * `wal-missing` where there is nothing, `wal-short` where fewer than `least` bytes are there, `damaged`.
   */
  readSegment(name: string, options?: { readonly least?: number; readonly signal?: AbortSignal }): Promise<SegmentContent>;

  /** Stores a whole segment. One that is there with the same bytes is fine ('present'); with others, throws `wal-different`. */
  putSegment(segment: SegmentToStore, signal?: AbortSignal): Promise<'stored' | 'present'>;

  /** Stores bytes of a segment that is not full: those from `offset` on. */
  putPart(part: SegmentToStore & { readonly offset: number }, signal?: AbortSignal): Promise<void>;

  /** Removes parts of a segment. Only when what replaces them is stored. */
  removeParts(name: string, parts: readonly PartName[]): Promise<void>;

  /** Removes a whole segment. */
  removeSegment(name: string): Promise<void>;

  /** Stores a timeline's history file. The same again is fine; another content throws `wal-different`. */
  putHistory(timeline: number, content: Uint8Array): Promise<'stored' | 'present'>;

  /** A timeline's history file as the server wrote it; undefined where there is none. */
  readHistory(timeline: number): Promise<Buffer | undefined>;

  /** Files beside segments that an archive_command is given: `….backup`, `….partial`. */
  putFile(name: string, content: Uint8Array): Promise<'stored' | 'present'>;
  readFile(name: string): Promise<Buffer | undefined>;
  removeFile(name: string): Promise<void>;

  /** Records that at this moment the server had no WAL beyond `end`. */
  putPosition(position: IdlePosition): Promise<void>;
  readPosition(timeline: number): Promise<IdlePosition | undefined>;

  /** Records WAL that never came and never will. */
  putGap(gap: RecordedGap): Promise<void>;
  readGaps(timeline: number): Promise<readonly RecordedGap[]>;

  /** What can be recovered from: for each timeline its contiguous ranges and the newest moment. */
  coverage(): Promise<readonly TimelineCoverage[]>;

  /** What a stored whole segment, or one of its parts, says about itself. Throws `storage-missing`, `damaged`. */
  header(name: string, part?: PartName): Promise<SegmentHeader>;
}

/** A segment as it was read. */
export interface SegmentContent {
  readonly name: string;
  /** Always as long as a segment: what PostgreSQL wants in a file. Zeros after `filled`. */
  readonly content: Buffer;
  /** Bytes from the beginning that are WAL; all of them where the segment is whole. */
  readonly filled: number;
}

/** Bytes to store, and what is known of them. */
export interface SegmentToStore {
  readonly name: string;
  readonly segmentSize: number;
  readonly bytes: Uint8Array;
  /** When the server sent the first and the last of them, by its clock. */
  readonly sentFrom: Date;
  readonly sentAt: Date;
  /** The newest moment at which these bytes ended where the server's WAL ended: everything committed until then is in the archive. */
  readonly completeAt?: Date;
  readonly firstCommit?: CommitMark;
  readonly lastCommit?: CommitMark;
}

export interface PartName {
  /** Offsets in the segment; `end` is after the last byte. */
  readonly start: number;
  readonly end: number;
}

export interface TimelineContents {
  readonly timeline: number;
  /** Whole segments by name, ascending. */
  readonly whole: readonly StoredSegment[];
  /** Parts by the name of their segment, each list in order of their offsets. Also of whole segments, after a crash. */
  readonly parts: ReadonlyMap<string, readonly PartName[]>;
  readonly hasHistory: boolean;
  readonly hasPosition: boolean;
  /** WAL that is known to be missing for good. */
  readonly gaps: readonly { readonly from: bigint; readonly to: bigint }[];
  /** `….backup` and `….partial`. */
  readonly files: readonly string[];
  /** Bytes that all this takes in the repository. */
  readonly storedBytes: number;
}

export interface StoredSegment {
  readonly name: string;
  /** Bytes in the repository. */
  readonly size: number;
}

export interface IdlePosition {
  readonly timeline: number;
  readonly end: bigint;
  readonly at: Date;
}

export interface RecordedGap {
  readonly timeline: number;
  readonly from: bigint;
  readonly to: bigint;
  /** When it was found, by this machine's clock. */
  readonly at: Date;
  readonly reason: string;
}

export interface TimelineCoverage {
  readonly timeline: number;
  readonly segmentSize: number;
  /** Where this timeline left its parent: undefined for one without a history (the first). */
  readonly parent?: { readonly timeline: number; readonly switchPoint: bigint };
  /** Contiguous WAL, ascending; more than one means gaps between them. Empty where only a history is stored. */
  readonly ranges: readonly WalRange[];
  /** When its first bytes were received, by the server's clock. */
  readonly beganAt?: Date;
  /** The end of the last range, and the newest moment known to be within it. */
  readonly newest?: NewestMoment;
  readonly segments: number;
  readonly parts: number;
  readonly storedBytes: number;
}

export interface WalRange {
  readonly start: bigint;
  /** After the last byte. */
  readonly end: bigint;
}

export interface NewestMoment {
  readonly lsn: bigint;
  /** Everything committed until then is stored, by the server's clock. Undefined where nothing is known: no commit was seen yet. */
  readonly at?: Date;
  /** The last commit or abort in it, where it is known. */
  readonly lastCommit?: CommitMark;
}
