// AES-CTR for small blobs: Node's createCipheriv costs 18 µs, so counter blocks are encrypted in one call and combined here.

/** target = a xor b, `length` bytes. */
export function xorBytes(target: usize, a: usize, b: usize, length: usize): void {
  let i: usize = 0;
  for (; i + 16 <= length; i += 16) v128.store(target + i, v128.xor(v128.load(a + i), v128.load(b + i)));
  for (; i < length; i++) store<u8>(target + i, load<u8>(a + i) ^ load<u8>(b + i));
}

/** Writes `count` blocks of 16 bytes: the big-endian 128-bit counter that starts at `iv`. */
export function counterBlocks(target: usize, iv: usize, count: i32): void {
  let high = bswap<u64>(load<u64>(iv));
  let low = bswap<u64>(load<u64>(iv, 8));
  for (let i = 0; i < count; i++) {
    store<u64>(target, bswap<u64>(high));
    store<u64>(target, bswap<u64>(low), 8);
    target += 16;
    low++;
    if (low == 0) high++;
  }
}

/** True (1) when both ranges hold the same bytes. Not constant in time: for data, never for a MAC. */
export function equalBytes(a: usize, b: usize, length: usize): i32 {
  let i: usize = 0;
  for (; i + 16 <= length; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return 0;
  }
  for (; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return 0;
  return 1;
}
