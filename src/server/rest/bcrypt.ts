/** bcrypt as `htpasswd -B` writes it. Blowfish's tables are the first digits of pi behind the point, so they are computed instead of copied. */
import { timingSafeEqual } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const form = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/;
/* Each step doubles the time: 15 takes seconds. */
const highestCost = 15;
const rounds = 16;
const subkeys = rounds + 2;
const boxWords = 256;
const longestKey = 72;
/* Rounds between two turns for everything else this process does. */
const roundsAtOnce = 32;

/** True for a hash that `verifyBcrypt` can compare with. */
export function isBcrypt(hash: string): boolean {
  const cost = Number(form.exec(hash)?.[1]);
  return cost >= 4 && cost <= highestCost;
}

/** Whether a password belongs to a hash. Yields to others while it computes; the comparison takes the same time whatever differs. */
export async function verifyBcrypt(password: string, hash: string): Promise<boolean> {
  const [, cost = '', salt = '', expected = ''] = form.exec(hash) ?? [];
  if (!isBcrypt(hash)) return false;
  const digest = await computeBcrypt(Buffer.from(`${password}\0`), decode(salt).subarray(0, 16), Number(cost));
  return timingSafeEqual(Buffer.from(encode(digest)), Buffer.from(expected));
}

interface Blowfish {
  readonly p: Int32Array;
  readonly s: Int32Array;
}

async function computeBcrypt(key: Uint8Array, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  const tables = piTables();
  const state: Blowfish = { p: tables.p.slice(), s: tables.s.slice() };
  const keyWords = cycleWords(key.subarray(0, longestKey));
  const saltWords = cycleWords(salt);
  expandKey(state, keyWords, saltWords);
  const none = new Int32Array(subkeys);
  for (let round = 0; round < 2 ** cost; round += 1) {
    expandKey(state, keyWords, none);
    expandKey(state, saltWords, none);
    if (round % roundsAtOnce === 0) await setImmediate();
  }
  const text = Buffer.from('OrpheanBeholderScryDoubt');
  const block = new Int32Array(2);
  for (let at = 0; at < text.length; at += 8) {
    block[0] = text.readInt32BE(at);
    block[1] = text.readInt32BE(at + 4);
    for (let time = 0; time < 64; time += 1) encipher(state, block);
    text.writeInt32BE(block[0] ?? 0, at);
    text.writeInt32BE(block[1] ?? 0, at + 4);
  }
  // The last byte is dropped by everybody, since the first implementation did.
  return text.subarray(0, 23);
}

/** The bytes again and again as so many words as there are subkeys. */
function cycleWords(bytes: Uint8Array): Int32Array {
  let at = 0;
  return Int32Array.from({ length: subkeys }, () => {
    let word = 0;
    for (let byte = 0; byte < 4; byte += 1) {
      word = (word << 8) | (bytes[at] ?? 0);
      at = (at + 1) % bytes.length;
    }
    return word;
  });
}

function expandKey(state: Blowfish, key: Int32Array, salt: Int32Array): void {
  const { p, s } = state;
  for (let index = 0; index < subkeys; index += 1) p[index] = (p[index] ?? 0) ^ (key[index] ?? 0);
  const block = new Int32Array(2);
  let turn = 0;
  for (const words of [p, s]) {
    for (let index = 0; index < words.length; index += 2) {
      block[0] = (block[0] ?? 0) ^ (salt[turn] ?? 0);
      block[1] = (block[1] ?? 0) ^ (salt[turn + 1] ?? 0);
      turn = (turn + 2) % 4;
      encipher(state, block);
      words[index] = block[0];
      words[index + 1] = block[1];
    }
  }
}

function encipher({ p, s }: Blowfish, block: Int32Array): void {
  let left = block[0] ?? 0;
  let right = block[1] ?? 0;
  for (let round = 0; round < rounds; round += 1) {
    left ^= p[round] ?? 0;
    const sum = ((s[left >>> 24] ?? 0) + (s[boxWords + ((left >>> 16) & 0xff)] ?? 0)) | 0;
    const mixed = sum ^ (s[2 * boxWords + ((left >>> 8) & 0xff)] ?? 0);
    right ^= (mixed + (s[3 * boxWords + (left & 0xff)] ?? 0)) | 0;
    [left, right] = [right, left];
  }
  block[0] = right ^ (p[rounds + 1] ?? 0);
  block[1] = left ^ (p[rounds] ?? 0);
}

let known: Blowfish | undefined;

function piTables(): Blowfish {
  if (known !== undefined) return known;
  const words = subkeys + 4 * boxWords;
  const guard = 64n;
  const bits = BigInt(words * 32);
  // Machin's formula, in whole numbers of so many bits.
  const one = 1n << (bits + guard);
  const fraction = (16n * arctangent(5n, one) - 4n * arctangent(239n, one) - 3n * one) >> guard;
  const digits = fraction.toString(16).padStart(words * 8, '0');
  const all = Int32Array.from({ length: words }, (_, index) => Number.parseInt(digits.slice(index * 8, index * 8 + 8), 16) | 0);
  known = { p: all.slice(0, subkeys), s: all.slice(subkeys) };
  return known;
}

/** The arctangent of 1/x. */
function arctangent(x: bigint, one: bigint): bigint {
  let power = one / x;
  let sum = power;
  for (let divisor = 3n, sign = -1n; power > 0n; divisor += 2n, sign = -sign) {
    power /= x * x;
    sum += (sign * power) / divisor;
  }
  return sum;
}

function encode(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const word = ((a ?? 0) << 16) | (b << 8) | c;
    const letters = Math.min(4, Math.ceil(((bytes.length - at) * 8) / 6));
    for (let letter = 0; letter < letters; letter += 1) text += alphabet[(word >> (18 - 6 * letter)) & 63] ?? '';
  }
  return text;
}

function decode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 4) {
    const letters = [...text.slice(at, at + 4)].map((letter) => alphabet.indexOf(letter));
    const word = ((letters[0] ?? 0) << 18) | ((letters[1] ?? 0) << 12) | ((letters[2] ?? 0) << 6) | (letters[3] ?? 0);
    bytes.push(word >> 16, (word >> 8) & 0xff, word & 0xff);
  }
  return Uint8Array.from(bytes);
}
