/** Of the server's own WAL records those with which a timeline begins: XLOG_END_OF_RECOVERY, or a checkpoint in its place. */

/** XLOG. */
export const resourceManager = 0;
const checkpointShutdown = 0x00;
const endOfRecovery = 0x90;

/** 2000-01-01, from where PostgreSQL counts microseconds. */
const epoch = 946_684_800_000;

export interface PromotionMark {
  readonly timeline: number;
  /** The server's clock. Of a checkpoint without fractions of a second. */
  readonly at: Date;
}

/** Where the time stands in a checkpoint (CheckPoint), the same in PostgreSQL 13 to 18: in seconds since 1970. */
const timeInCheckpoint = 64;

/** `data` is where the record's own data begin. Undefined for any other record, also for a checkpoint that begins no timeline. */
export function readPromotion(record: Buffer, data: number): PromotionMark | undefined {
  const operation = (record[16] ?? 0) & 0xf0;
  if (operation !== endOfRecovery && operation !== checkpointShutdown) return undefined;
  const timeAt = operation === endOfRecovery ? data : data + timeInCheckpoint;
  if (record.length < Math.max(data + 16, timeAt + 8)) return undefined;
  const [timeline, previous] = [record.readUInt32LE(data + 8), record.readUInt32LE(data + 12)];
  if (timeline === previous) return undefined;
  const time = record.readBigInt64LE(timeAt);
  const at = new Date(operation === endOfRecovery ? epoch + Number(time / 1000n) : Number(time) * 1000);
  return Number.isNaN(at.getTime()) ? undefined : { timeline, at };
}
