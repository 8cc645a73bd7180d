/**
 * Finds commits and aborts in WAL as it passes by, so that it is known which moments it reaches. Understands pages and record headers of
 * PostgreSQL 13 to 18, and of a record only whether it ends a transaction, or a recovery, and when. Whatever it is fed, it neither throws nor stops: what
 * it does not understand it skips up to the next page.
 */
import { crc32c } from '../util/crc32c.ts';
import { readPromotion, resourceManager as ownRecords, type PromotionMark } from './promotion-record.ts';
import type { CommitMark } from './segment-header.ts';

/** Sizes and flags of a WAL page (XLogPageHeaderData, XLogLongPageHeaderData). */
const shortHeader = 24;
const longHeader = 40;
const continuesRecord = 1;
const hasLongHeader = 2;
const magicFamily = 0xd1;
const defaultPage = 8192;

/** Of a record (XLogRecord). */
const recordHeader = 24;
const transactions = 1;
const operationMask = 0x70;
/** COMMIT, ABORT, COMMIT PREPARED, ABORT PREPARED: each begins with the time. */
const endings = new Set([0x00, 0x20, 0x30, 0x40]);
/** Of transaction records longer than this only the beginning is kept, and the checksum not looked at. */
const mostKept = 64 * 1024;
const leastKept = 64;

/** 2000-01-01, from where PostgreSQL counts microseconds. */
const epoch = 946_684_800_000;

type State =
  /** Waiting for a page that begins understandably. */
  | 'lost'
  /** Skipping bytes of no interest: `#skip` of them. */
  | 'skip'
  | 'record';

export class CommitScanner {
  readonly #found: (mark: CommitMark) => void;
  readonly #promoted: ((mark: PromotionMark) => void) | undefined;
  readonly #header = Buffer.alloc(longHeader);
  readonly #record = Buffer.alloc(mostKept);
  #next = -1n;
  #page = defaultPage;
  #inPage = 0;
  #headerHave = 0;
  #state: State = 'lost';
  #skip = 0;
  #have = 0;
  #total = 0;
  #begin = 0n;

  /** `found` is called for each transaction's end, when its record is whole; `promoted` for each beginning of a timeline. */
  constructor(found: (mark: CommitMark) => void, promoted?: (mark: PromotionMark) => void) {
    this.#found = found;
    this.#promoted = promoted;
  }

  /** Takes the next bytes. Where they do not follow those before, it begins anew. */
  feed(start: bigint, bytes: Uint8Array): void {
    if (start !== this.#next) this.#restart(start);
    let at = 0;
    while (at < bytes.length) {
      const taken = this.#inPage === 0 || this.#headerHave > 0 ? this.#takeHeader(bytes, at) : this.#takeContent(bytes, at, start);
      at += taken;
      this.#inPage += taken;
      if (this.#inPage === this.#page) this.#inPage = 0;
    }
    this.#next = start + BigInt(bytes.length);
  }

  #restart(start: bigint): void {
    this.#state = 'lost';
    this.#headerHave = 0;
    this.#have = 0;
    this.#inPage = Number(start % BigInt(this.#page));
  }

  #takeHeader(bytes: Uint8Array, at: number): number {
    const wanted = this.#headerHave >= 4 && (this.#header.readUInt16LE(2) & hasLongHeader) !== 0 ? longHeader : shortHeader;
    const upTo = this.#headerHave < 4 ? 4 : wanted;
    const taken = Math.min(upTo - this.#headerHave, bytes.length - at);
    this.#header.set(bytes.subarray(at, at + taken), this.#headerHave);
    this.#headerHave += taken;
    if (this.#headerHave === wanted && wanted > 4) this.#beginPage(wanted);
    return taken;
  }

  #beginPage(length: number): void {
    this.#headerHave = 0;
    if (this.#header[1] !== magicFamily) return this.#lose();
    if (length === longHeader) this.#learnPageSize(this.#header.readUInt32LE(36));
    const continued = (this.#header.readUInt16LE(2) & continuesRecord) !== 0;
    const left = this.#header.readUInt32LE(16);
    if (this.#state === 'record' && this.#have > 0 && continued && left === this.#total - this.#have) return;
    this.#have = 0;
    this.#state = continued ? 'skip' : 'record';
    this.#skip = continued ? left + padding(left) : 0;
  }

  #learnPageSize(bytes: number): void {
    if (bytes >= 1024 && bytes <= 65_536 && Number.isInteger(Math.log2(bytes))) this.#page = bytes;
  }

  #takeContent(bytes: Uint8Array, at: number, start: bigint): number {
    const most = Math.min(this.#page - this.#inPage, bytes.length - at);
    if (this.#state === 'lost') return most;
    if (this.#state === 'record') return this.#takeRecord(bytes, at, most, start);
    const taken = Math.min(most, this.#skip);
    this.#skip -= taken;
    if (this.#skip === 0) this.#state = 'record';
    return taken;
  }

  #takeRecord(bytes: Uint8Array, at: number, most: number, start: bigint): number {
    if (this.#have === 0) this.#begin = start + BigInt(at);
    const wanted = this.#have < recordHeader ? recordHeader - this.#have : this.#total - this.#have;
    const taken = Math.min(most, wanted);
    if (this.#have < this.#kept()) {
      const kept = Math.min(taken, this.#kept() - this.#have);
      this.#record.set(bytes.subarray(at, at + kept), this.#have);
    }
    this.#have += taken;
    if (this.#have < 4) return taken;
    if (this.#have <= recordHeader) this.#total = this.#record.readUInt32LE(0);
    // Nothing more in this page: after a switch of segments the rest is zeros.
    if (this.#total < recordHeader) this.#lose();
    else if (this.#have === this.#total) this.#endRecord();
    return taken;
  }

  /** How many bytes of this record are of interest. */
  #kept(): number {
    if (this.#have < recordHeader) return recordHeader;
    if (this.#record[17] !== transactions && !this.#isAboutPromotion()) return 0;
    return this.#total <= mostKept ? this.#total : leastKept;
  }

  #endRecord(): void {
    if (this.#record[17] === transactions) {
      const at = readEnding(this.#record, this.#total);
      if (at !== undefined) this.#found({ lsn: this.#begin, at });
    } else if (this.#isAboutPromotion() && this.#total <= mostKept) {
      const record = this.#record.subarray(0, this.#total);
      const data = mainData(record);
      const mark = data === undefined || !isSound(record) ? undefined : readPromotion(record, data);
      if (mark !== undefined) this.#promoted?.(mark);
    }
    this.#have = 0;
    this.#skip = padding(this.#total);
    this.#state = this.#skip > 0 ? 'skip' : 'record';
  }

  #isAboutPromotion(): boolean {
    return this.#promoted !== undefined && this.#record[17] === ownRecords;
  }

  #lose(): void {
    this.#state = 'lost';
    this.#have = 0;
  }
}

/** Records begin at multiples of eight. */
function padding(length: number): number {
  return (8 - (length % 8)) % 8;
}

/** When a transaction ended, by its record; undefined for another record of transactions, and for a damaged one. */
function readEnding(record: Buffer, total: number): Date | undefined {
  if (!endings.has((record[16] ?? 0) & operationMask)) return undefined;
  if (total <= mostKept && !isSound(record.subarray(0, total))) return undefined;
  const kept = record.subarray(0, Math.min(total, mostKept));
  const data = mainData(kept);
  if (data === undefined || data + 8 > kept.length) return undefined;
  const microseconds = kept.readBigInt64LE(data);
  const at = new Date(epoch + Number(microseconds / 1000n));
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** The checksum is over what follows the header, then the header without the checksum. */
function isSound(record: Buffer): boolean {
  const body = crc32c(record.subarray(recordHeader));
  return crc32c(record.subarray(0, 20), body) === record.readUInt32LE(20);
}

/** Where a record's own data begin: after the origin and the top-level transaction, where they are given. These records name no blocks. */
function mainData(record: Buffer): number | undefined {
  let at = recordHeader;
  for (let part = 0; part < 4 && at < record.length; part += 1) {
    const id = record[at];
    if (id === 255) return at + 2;
    if (id === 254) return at + 5;
    if (id === 253) at += 3;
    else if (id === 252) at += 5;
    else return undefined;
  }
  return undefined;
}
