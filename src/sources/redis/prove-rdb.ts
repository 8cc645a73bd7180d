/** Lets a snapshot (RDB file) pass, and proves that it is whole: its beginning, its end mark and its checksum. */
import { createHash } from 'node:crypto';
import { Crc64 } from './crc64.ts';

export interface RdbProof {
  /** Version of the format, such as 10. */
  readonly version: number;
  readonly size: number;
  readonly sha256: string;
  /** False where the server writes none (`rdbchecksum no`): then only the end mark and the transfer vouch for it. */
  readonly checksum: boolean;
}

/** It is no snapshot, or not a whole one. */
export class RdbBroken extends Error {}

const checksumSize = 8;
const transferMarkSize = 40;
const endOfData = 0xff;
const headerSize = 9;
/** Older ones (before Redis 2.6) end without a checksum. */
const oldestVersion = 5;

/**
 * The bytes of a snapshot; the last of them only when the whole is proved, and then `onProved` is called. Throws `RdbBroken`.
 * `mayEndWithMark`: older redis-cli lets the 40 bytes of the transfer's end mark slip into what it writes; they are taken off.
 */
export async function* proveRdb(
  bytes: AsyncIterable<Uint8Array>,
  onProved: (proof: RdbProof) => void,
  mayEndWithMark = false,
): AsyncGenerator<Uint8Array, void, undefined> {
  const held = checksumSize + 1 + (mayEndWithMark ? transferMarkSize : 0);
  const crc = new Crc64();
  const hash = createHash('sha256');
  let version: number | undefined;
  let size = 0;
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length < held + headerSize) continue;
    version ??= readVersion(tail);
    const passed = tail.subarray(0, tail.length - held);
    tail = tail.subarray(tail.length - held);
    crc.update(passed);
    hash.update(passed);
    size += passed.length;
    yield passed;
  }
  if (version === undefined) {
    /* Only an empty database without any notes is so short, and then only in old servers. */
    if (tail.length < headerSize + checksumSize + 1) throw new RdbBroken(`it ends after ${tail.length} bytes`);
    version = readVersion(tail);
  }
  const ends =
    mayEndWithMark && tail.length > checksumSize + transferMarkSize ? [tail.length, tail.length - transferMarkSize] : [tail.length];
  for (const end of ends) {
    const checksum = judgeEnd(tail.subarray(0, end), crc);
    if (checksum === undefined) continue;
    const last = tail.subarray(0, end);
    hash.update(last);
    size += last.length;
    onProved({ version, size, sha256: hash.digest('hex'), checksum: checksum === 'right' });
    yield last;
    return;
  }
  throw new RdbBroken('its end mark or its checksum is wrong');
}

function readVersion(bytes: Buffer): number {
  const match = /^(?:REDIS(\d{4})|VALKEY(\d{3}))/.exec(bytes.subarray(0, headerSize).toString('latin1'));
  const version = Number(match?.[1] ?? match?.[2] ?? Number.NaN);
  if (Number.isNaN(version)) throw new RdbBroken('it does not begin as a snapshot of Redis does');
  if (version < oldestVersion) throw new RdbBroken(`its format, ${version}, is older than can be proved`);
  return version;
}

function judgeEnd(end: Buffer, before: Crc64): 'right' | 'none' | undefined {
  const at = end.length - checksumSize;
  if (end[at - 1] !== endOfData) return undefined;
  const saved = end.subarray(at);
  if (saved.every((byte) => byte === 0)) return 'none';
  return before.fork().update(end.subarray(0, at)).digest().equals(saved) ? 'right' : undefined;
}
