/** The messages inside a WAL stream. */
import { ProtocolFailure } from './failures.ts';

export interface WalMessage {
  readonly start: bigint;
  /** Empty in a keep-alive. */
  readonly bytes: Uint8Array;
  /** The end of the WAL that the server has. */
  readonly serverEnd: bigint;
  /** By the server's clock. */
  readonly sentAt: Date;
  /** The server wants a status at once. */
  readonly replyNow: boolean;
}

/** 2000-01-01, from which PostgreSQL counts microseconds, in milliseconds since 1970. */
const epoch = 946_684_800_000;
const data = 0x77;
const keepAlive = 0x6b;

/** Throws a ProtocolFailure. */
export function readWalMessage(body: Buffer): WalMessage {
  if (body[0] === data && body.length >= 25) {
    const [start, serverEnd] = [body.readBigUInt64BE(1), body.readBigUInt64BE(9)];
    return { start, serverEnd, sentAt: readTime(body, 17), bytes: body.subarray(25), replyNow: false };
  }
  if (body[0] === keepAlive && body.length >= 18) {
    const serverEnd = body.readBigUInt64BE(1);
    return { start: serverEnd, serverEnd, sentAt: readTime(body, 9), bytes: body.subarray(0, 0), replyNow: body[17] !== 0 };
  }
  throw new ProtocolFailure('it sent a message of WAL that is cut off');
}

export interface StandbyStatus {
  readonly written: bigint;
  readonly flushed: bigint;
  readonly at: Date;
  readonly wantsReply: boolean;
}

/** What is written and safe with us. Nothing is ever applied here. */
export function encodeStatus({ written, flushed, at, wantsReply }: StandbyStatus): Buffer {
  const body = Buffer.alloc(34);
  body.write('r', 'latin1');
  body.writeBigUInt64BE(written, 1);
  body.writeBigUInt64BE(flushed, 9);
  body.writeBigInt64BE(BigInt(at.getTime() - epoch) * 1000n, 25);
  body[33] = wantsReply ? 1 : 0;
  return body;
}

function readTime(body: Buffer, at: number): Date {
  return new Date(epoch + Number(body.readBigInt64BE(at) / 1000n));
}
