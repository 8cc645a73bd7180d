/** The 512 bytes before each file of a tar, as PostgreSQL writes them (ustar, with GNU's numbers for large sizes and long names). */
import { decodePath } from '../../../util/path-bytes.ts';
import { ProtocolFailure } from './failures.ts';

export interface TarHeader {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: Date;
  readonly size: number;
  readonly linkTarget: string;
}

export const tarBlock = 512;

/** Undefined for a block of zeros, which ends an archive. Throws a ProtocolFailure. */
export function readTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (readNumber(block, 148, 8) !== checksum(block)) throw new ProtocolFailure('the header of a file does not fit its checksum');
  const prefix = block.toString('latin1', 257, 262) === 'ustar' && block[263] === 0x30 ? readText(block, 345, 155) : '';
  const name = readText(block, 0, 100);
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    type: String.fromCharCode(block[156] ?? 0),
    mode: readNumber(block, 100, 8) & 0o7777,
    uid: readNumber(block, 108, 8),
    gid: readNumber(block, 116, 8),
    size: readNumber(block, 124, 12),
    modified: new Date(readNumber(block, 136, 12) * 1000),
    linkTarget: readText(block, 157, 100),
  };
}

function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < tarBlock; at += 1) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return sum;
}

function readText(block: Buffer, from: number, length: number): string {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return decodePath(end === -1 ? field : field.subarray(0, end));
}

/** Octal digits, or GNU's base 256 where the highest bit is set. */
function readNumber(block: Buffer, from: number, length: number): number {
  const field = block.subarray(from, from + length);
  if ((field[0] ?? 0) & 0x80) {
    let value = (field[0] ?? 0) & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (Number.isSafeInteger(value)) return value;
    throw new ProtocolFailure('a number in the header of a file is too large');
  }
  const digits = field.toString('latin1').replaceAll('\0', ' ').trim();
  if (!/^[0-7]*$/.test(digits)) throw new ProtocolFailure('a number in the header of a file is none');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}
