// Rabin fingerprint over a window of 64 bytes, with cut points equal to restic's chunker.
// `tables` holds 256 u64 to take the oldest byte out and 256 u64 to reduce modulo the polynomial; `shift` is its degree minus 8.

const WINDOW: usize = 64;
const BLOCK: i32 = 65536; // scanned as four interleaved lanes, since one lane waits on its own table look-ups
const LANE: usize = 16384;

@inline function append(digest: u64, at: usize, tables: usize, shift: u64): u64 {
  return ((digest << 8) | <u64>load<u8>(at)) ^ load<u64>(tables + (<usize>(digest >> shift) << 3), 2048);
}

@inline function slide(digest: u64, at: usize, tables: usize, shift: u64): u64 {
  return append(digest ^ load<u64>(tables + (<usize>load<u8>(at - WINDOW) << 3)), at, tables, shift);
}

function scanOneLane(base: usize, from: i32, to: i32, tables: usize, shift: u64, mask: u64): i32 {
  let digest: u64 = 0;
  let at = base + from - WINDOW;
  const start = base + from;
  const end = base + to;
  while (at < start) { digest = append(digest, at, tables, shift); at++; }
  while (at < end) {
    digest = slide(digest, at, tables, shift);
    at++;
    if ((digest & mask) == 0) return <i32>(at - base);
  }
  return -1;
}

/**
 * The first cut in (from, to]: the smallest length at which the digest of the last 64 bytes ends in zeros, or -1.
 * At least 64 bytes must lie before `base + from`.
 */
export function rabinScan(base: usize, from: i32, to: i32, tables: usize, shift: u64, mask: u64): i32 {
  let position = from;
  while (to - position >= BLOCK) {
    let at: usize = base + position - WINDOW;
    let end: usize = at + WINDOW;
    let d0: u64 = 0, d1: u64 = 0, d2: u64 = 0, d3: u64 = 0;
    while (at < end) {
      d0 = append(d0, at, tables, shift);
      d1 = append(d1, at + LANE, tables, shift);
      d2 = append(d2, at + 2 * LANE, tables, shift);
      d3 = append(d3, at + 3 * LANE, tables, shift);
      at++;
    }
    end = at + LANE;
    let cut1: usize = 0, cut2: usize = 0, cut3: usize = 0;
    while (at < end) {
      d0 = slide(d0, at, tables, shift);
      d1 = slide(d1, at + LANE, tables, shift);
      d2 = slide(d2, at + 2 * LANE, tables, shift);
      d3 = slide(d3, at + 3 * LANE, tables, shift);
      at++;
      if (!(d0 & mask)) return <i32>(at - base);
      if (!(d1 & mask)) { if (!cut1) cut1 = at + LANE; }
      if (!(d2 & mask)) { if (!cut2) cut2 = at + 2 * LANE; }
      if (!(d3 & mask)) { if (!cut3) cut3 = at + 3 * LANE; }
    }
    if (cut1) return <i32>(cut1 - base);
    if (cut2) return <i32>(cut2 - base);
    if (cut3) return <i32>(cut3 - base);
    position += BLOCK;
  }
  return position < to ? scanOneLane(base, position, to, tables, shift, mask) : -1;
}
