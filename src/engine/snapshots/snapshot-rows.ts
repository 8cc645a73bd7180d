/**
 * Many snapshots as bytes that are read fast and leave little behind. What most have in common (paths, tags, host) is said once, as JSON; the rest are
 * rows of plain bytes. Only for what this program has written itself and sealed: the form is not doubted.
 */
import type { Snapshot, SnapshotSummary } from '../snapshot-json.ts';

type CommonPart = Omit<Snapshot, 'time' | 'parent' | 'tree' | 'original' | 'summary'>;

interface NamedSnapshot {
  readonly id: string;
  readonly snapshot: Snapshot;
}

const idLength = 32;
const [hasParent, hasOriginal, hasSummary] = [1, 2, 4];
/** Of a row: what it has, its common part, three ids more than its own, three times, twelve numbers. */
const longestTime = 64;
const longestRow = 8 + 4 * idLength + 3 * (1 + longestTime) + 12 * 8;

/** The common parts, then a row for each snapshot. */
export function encodeSnapshots(snapshots: readonly NamedSnapshot[]): Buffer {
  const places = new Map<string, number>();
  const common: CommonPart[] = [];
  const writer = new RowWriter(snapshots.length * longestRow);
  for (const { id, snapshot } of snapshots) {
    const { time, parent, tree, original, summary, ...shared } = snapshot;
    const text = JSON.stringify(shared);
    const place = places.get(text) ?? common.push(shared) - 1;
    places.set(text, place);
    writer.byte(
      (parent === undefined ? 0 : hasParent) | (original === undefined ? 0 : hasOriginal) | (summary === undefined ? 0 : hasSummary),
    );
    writer.word(place);
    writer.id(id);
    writer.text(time);
    writer.id(tree);
    if (parent !== undefined) writer.id(parent);
    if (original !== undefined) writer.id(original);
    if (summary !== undefined) writeSummary(writer, summary);
  }
  const json = Buffer.from(JSON.stringify(common));
  const begin = Buffer.alloc(8);
  begin.writeUInt32LE(json.length, 0);
  begin.writeUInt32LE(snapshots.length, 4);
  return Buffer.concat([begin, json, writer.written]);
}

/** By id, in the order they were given. */
export function decodeSnapshots(bytes: Buffer): Map<string, Snapshot> {
  const jsonEnd = 8 + bytes.readUInt32LE(0);
  const common = JSON.parse(bytes.toString('utf8', 8, jsonEnd)) as readonly CommonPart[];
  const reader = new RowReader(bytes, jsonEnd);
  const found = new Map<string, Snapshot>();
  for (let left = bytes.readUInt32LE(4); left > 0; left -= 1) {
    const has = reader.byte();
    const shared = common[reader.word()];
    if (shared === undefined) throw new Error('a part is missing');
    const id = reader.id();
    const snapshot: { -readonly [Field in keyof Snapshot]: Snapshot[Field] } = { ...shared, time: reader.text(), tree: reader.id() };
    if ((has & hasParent) !== 0) snapshot.parent = reader.id();
    if ((has & hasOriginal) !== 0) snapshot.original = reader.id();
    if ((has & hasSummary) !== 0) snapshot.summary = readSummary(reader);
    found.set(id, snapshot);
  }
  return found;
}

function writeSummary(writer: RowWriter, summary: SnapshotSummary): void {
  writer.text(summary.backup_start);
  writer.text(summary.backup_end);
  writer.number(summary.files_new);
  writer.number(summary.files_changed);
  writer.number(summary.files_unmodified);
  writer.number(summary.dirs_new);
  writer.number(summary.dirs_changed);
  writer.number(summary.dirs_unmodified);
  writer.number(summary.data_blobs);
  writer.number(summary.tree_blobs);
  writer.number(summary.data_added);
  writer.number(summary.data_added_packed);
  writer.number(summary.total_files_processed);
  writer.number(summary.total_bytes_processed);
}

/** The fields are read in the order they stand here. */
function readSummary(reader: RowReader): SnapshotSummary {
  return {
    backup_start: reader.text(),
    backup_end: reader.text(),
    files_new: reader.number(),
    files_changed: reader.number(),
    files_unmodified: reader.number(),
    dirs_new: reader.number(),
    dirs_changed: reader.number(),
    dirs_unmodified: reader.number(),
    data_blobs: reader.number(),
    tree_blobs: reader.number(),
    data_added: reader.number(),
    data_added_packed: reader.number(),
    total_files_processed: reader.number(),
    total_bytes_processed: reader.number(),
  };
}

class RowWriter {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(most: number) {
    this.#bytes = Buffer.allocUnsafeSlow(most);
  }

  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  byte(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  word(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  number(value: number): void {
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  id(id: string): void {
    this.#at += this.#bytes.write(id, this.#at, 'hex');
  }

  /** A time: some forty characters of ASCII. */
  text(text: string): void {
    if (text.length > longestTime) throw new RangeError('a time is too long');
    this.byte(text.length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }
}

class RowReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#forward(1));
  }

  word(): number {
    return this.#bytes.readUInt32LE(this.#forward(4));
  }

  number(): number {
    return this.#bytes.readDoubleLE(this.#forward(8));
  }

  id(): string {
    const at = this.#forward(idLength);
    return this.#bytes.toString('hex', at, at + idLength);
  }

  text(): string {
    const length = this.byte();
    const at = this.#forward(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  /** Where to read; the next is behind it. */
  #forward(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
