/** CRC-32C (Castagnoli), the checksum of PostgreSQL's manifests. Sixteen tables, so that sixteen bytes cost one round. */

const polynomial = 0x82_f6_3b_78;
const rounds = 16;
/** Table k, at 256 k: what a byte does to the checksum when k more bytes follow. */
const table = makeTable();

function makeTable(): Int32Array {
  const made = new Int32Array(rounds * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at += 1) {
    const before = made[at - 256] ?? 0;
    made[at] = (before >>> 8) ^ (made[before & 255] ?? 0);
  }
  return made;
}

/** The checksum of some bytes after those whose checksum is given; that of nothing is 0. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  if (bytes.length < 32) return ~byBytes(bytes, 0, bytes.length, ~before) >>> 0;
  // Words can only be read where memory is aligned.
  const head = -bytes.byteOffset & 3;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, (bytes.length - head) >>> 2);
  const whole = words.length & ~3;
  let crc = byBytes(bytes, 0, head, ~before);
  crc = byRounds(words, whole, crc);
  return ~byBytes(bytes, head + whole * 4, bytes.length, crc) >>> 0;
}

function byBytes(bytes: Uint8Array, from: number, to: number, before: number): number {
  let crc = before;
  for (let at = from; at < to; at += 1) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] ?? 0)) & 255] ?? 0);
  return crc;
}

function byRounds(words: Int32Array, count: number, before: number): number {
  let crc = before;
  for (let at = 0; at < count; at += 4) {
    const a = (words[at] ?? 0) ^ crc;
    const b = words[at + 1] ?? 0;
    const c = words[at + 2] ?? 0;
    const d = words[at + 3] ?? 0;
    crc = fold(a, 3840) ^ fold(b, 2816) ^ fold(c, 1792) ^ fold(d, 768);
  }
  return crc;
}

/** The four bytes of a word, of which the first uses the table at `first`. */
function fold(word: number, first: number): number {
  return (
    (table[first + (word & 255)] ?? 0) ^
    (table[first - 256 + ((word >>> 8) & 255)] ?? 0) ^
    (table[first - 512 + ((word >>> 16) & 255)] ?? 0) ^
    (table[first - 768 + (word >>> 24)] ?? 0)
  );
}
