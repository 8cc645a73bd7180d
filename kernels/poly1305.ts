// Poly1305 (RFC 8439 §2.5) with 26-bit limbs; four blocks at a time in SIMD lanes, the rest one by one.

const LIMB: u64 = 0x3ffffff;

/** product = a × b mod 2^130 − 5; each operand is five u64 of at most 27 bits or so. `product` may be an operand. */
function multiply(a: usize, b: usize, product: usize): void {
  const a0 = load<u64>(a), a1 = load<u64>(a, 8), a2 = load<u64>(a, 16), a3 = load<u64>(a, 24), a4 = load<u64>(a, 32);
  const b0 = load<u64>(b), b1 = load<u64>(b, 8), b2 = load<u64>(b, 16), b3 = load<u64>(b, 24), b4 = load<u64>(b, 32);
  const s1 = b1 * 5, s2 = b2 * 5, s3 = b3 * 5, s4 = b4 * 5;
  let d0 = a0 * b0 + a1 * s4 + a2 * s3 + a3 * s2 + a4 * s1;
  let d1 = a0 * b1 + a1 * b0 + a2 * s4 + a3 * s3 + a4 * s2;
  let d2 = a0 * b2 + a1 * b1 + a2 * b0 + a3 * s4 + a4 * s3;
  let d3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + a4 * s4;
  let d4 = a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0;
  d1 += d0 >> 26; d0 &= LIMB;
  d2 += d1 >> 26; d1 &= LIMB;
  d3 += d2 >> 26; d2 &= LIMB;
  d4 += d3 >> 26; d3 &= LIMB;
  d0 += (d4 >> 26) * 5; d4 &= LIMB;
  d1 += d0 >> 26; d0 &= LIMB;
  store<u64>(product, d0);
  store<u64>(product, d1, 8);
  store<u64>(product, d2, 16);
  store<u64>(product, d3, 24);
  store<u64>(product, d4, 32);
}

@inline function low(a: v128, b: v128): v128 { return i64x2.extmul_low_i32x4_u(a, b); }
@inline function high(a: v128, b: v128): v128 { return i64x2.extmul_high_i32x4_u(a, b); }
@inline function sum(a: v128, b: v128, c: v128, d: v128, e: v128): v128 {
  return i64x2.add(i64x2.add(i64x2.add(a, b), i64x2.add(c, d)), e);
}

/** Four interleaved accumulators over `groups` groups of 64 bytes; adds the combined value to the five u64 at `h`. */
function absorbGroups(message: usize, groups: usize, powers: usize, h: usize, scratch: usize): void {
  const limb32 = i32x4.splat(0x3ffffff), limb64 = i64x2.splat(0x3ffffff), highBit = i32x4.splat(1 << 24), five = i32x4.splat(5);
  const r4 = powers + 120;
  const r0 = i32x4.splat(load<i32>(r4)), r1 = i32x4.splat(load<i32>(r4, 8)), r2 = i32x4.splat(load<i32>(r4, 16)), r3 = i32x4.splat(load<i32>(r4, 24)), rr4 = i32x4.splat(load<i32>(r4, 32));
  const s1 = i32x4.mul(r1, five), s2 = i32x4.mul(r2, five), s3 = i32x4.mul(r3, five), s4 = i32x4.mul(rr4, five);
  let h0 = i32x4.splat(0), h1 = h0, h2 = h0, h3 = h0, h4 = h0;
  while (true) {
    const b0 = v128.load(message), b1 = v128.load(message, 16), b2 = v128.load(message, 32), b3 = v128.load(message, 48);
    const u0 = v128.shuffle<i32>(b0, b1, 0, 4, 1, 5), u1 = v128.shuffle<i32>(b2, b3, 0, 4, 1, 5);
    const u2 = v128.shuffle<i32>(b0, b1, 2, 6, 3, 7), u3 = v128.shuffle<i32>(b2, b3, 2, 6, 3, 7);
    const w0 = v128.shuffle<i64>(u0, u1, 0, 2), w1 = v128.shuffle<i64>(u0, u1, 1, 3), w2 = v128.shuffle<i64>(u2, u3, 0, 2), w3 = v128.shuffle<i64>(u2, u3, 1, 3);
    h0 = i32x4.add(h0, v128.and(w0, limb32));
    h1 = i32x4.add(h1, v128.and(v128.or(i32x4.shr_u(w0, 26), i32x4.shl(w1, 6)), limb32));
    h2 = i32x4.add(h2, v128.and(v128.or(i32x4.shr_u(w1, 20), i32x4.shl(w2, 12)), limb32));
    h3 = i32x4.add(h3, v128.and(v128.or(i32x4.shr_u(w2, 14), i32x4.shl(w3, 18)), limb32));
    h4 = i32x4.add(h4, v128.or(i32x4.shr_u(w3, 8), highBit));
    message += 64;
    if (--groups == 0) break;
    let a0 = sum(low(h0, r0), low(h1, s4), low(h2, s3), low(h3, s2), low(h4, s1));
    let a1 = sum(low(h0, r1), low(h1, r0), low(h2, s4), low(h3, s3), low(h4, s2));
    let a2 = sum(low(h0, r2), low(h1, r1), low(h2, r0), low(h3, s4), low(h4, s3));
    let a3 = sum(low(h0, r3), low(h1, r2), low(h2, r1), low(h3, r0), low(h4, s4));
    let a4 = sum(low(h0, rr4), low(h1, r3), low(h2, r2), low(h3, r1), low(h4, r0));
    let c0 = sum(high(h0, r0), high(h1, s4), high(h2, s3), high(h3, s2), high(h4, s1));
    let c1 = sum(high(h0, r1), high(h1, r0), high(h2, s4), high(h3, s3), high(h4, s2));
    let c2 = sum(high(h0, r2), high(h1, r1), high(h2, r0), high(h3, s4), high(h4, s3));
    let c3 = sum(high(h0, r3), high(h1, r2), high(h2, r1), high(h3, r0), high(h4, s4));
    let c4 = sum(high(h0, rr4), high(h1, r3), high(h2, r2), high(h3, r1), high(h4, r0));
    let carry: v128;
    a1 = i64x2.add(a1, i64x2.shr_u(a0, 26)); c1 = i64x2.add(c1, i64x2.shr_u(c0, 26));
    a4 = i64x2.add(a4, i64x2.shr_u(a3, 26)); c4 = i64x2.add(c4, i64x2.shr_u(c3, 26));
    a0 = v128.and(a0, limb64); c0 = v128.and(c0, limb64); a3 = v128.and(a3, limb64); c3 = v128.and(c3, limb64);
    a2 = i64x2.add(a2, i64x2.shr_u(a1, 26)); c2 = i64x2.add(c2, i64x2.shr_u(c1, 26));
    carry = i64x2.shr_u(a4, 26); a0 = i64x2.add(a0, i64x2.add(carry, i64x2.shl(carry, 2)));
    carry = i64x2.shr_u(c4, 26); c0 = i64x2.add(c0, i64x2.add(carry, i64x2.shl(carry, 2)));
    a1 = v128.and(a1, limb64); c1 = v128.and(c1, limb64); a4 = v128.and(a4, limb64); c4 = v128.and(c4, limb64);
    a3 = i64x2.add(a3, i64x2.shr_u(a2, 26)); c3 = i64x2.add(c3, i64x2.shr_u(c2, 26));
    a1 = i64x2.add(a1, i64x2.shr_u(a0, 26)); c1 = i64x2.add(c1, i64x2.shr_u(c0, 26));
    a2 = v128.and(a2, limb64); c2 = v128.and(c2, limb64); a0 = v128.and(a0, limb64); c0 = v128.and(c0, limb64);
    a4 = i64x2.add(a4, i64x2.shr_u(a3, 26)); c4 = i64x2.add(c4, i64x2.shr_u(c3, 26));
    a3 = v128.and(a3, limb64); c3 = v128.and(c3, limb64);
    h0 = v128.shuffle<i32>(a0, c0, 0, 2, 4, 6); h1 = v128.shuffle<i32>(a1, c1, 0, 2, 4, 6); h2 = v128.shuffle<i32>(a2, c2, 0, 2, 4, 6);
    h3 = v128.shuffle<i32>(a3, c3, 0, 2, 4, 6); h4 = v128.shuffle<i32>(a4, c4, 0, 2, 4, 6);
  }
  // Lane i still wants r^(4 - i).
  const lanes = scratch, term = scratch + 80;
  v128.store(lanes, h0); v128.store(lanes, h1, 16); v128.store(lanes, h2, 32); v128.store(lanes, h3, 48); v128.store(lanes, h4, 64);
  for (let lane: usize = 0; lane < 4; lane++) {
    for (let j: usize = 0; j < 5; j++) store<u64>(term + j * 8, load<u32>(lanes + j * 16 + lane * 4));
    multiply(term, powers + (3 - lane) * 40, term);
    for (let j: usize = 0; j < 5; j++) store<u64>(h + j * 8, load<u64>(h + j * 8) + load<u64>(term + j * 8));
  }
}

/** Adds one 16-byte block (with its high bit) to h and multiplies by r. */
function absorbBlock(block: usize, highBit: u64, powers: usize, h: usize): void {
  const x0 = load<u64>(block), x1 = load<u64>(block, 8);
  store<u64>(h, load<u64>(h) + (x0 & LIMB));
  store<u64>(h, load<u64>(h, 8) + ((x0 >> 26) & LIMB), 8);
  store<u64>(h, load<u64>(h, 16) + (((x0 >> 52) | (x1 << 12)) & LIMB), 16);
  store<u64>(h, load<u64>(h, 24) + ((x1 >> 14) & LIMB), 24);
  store<u64>(h, load<u64>(h, 32) + ((x1 >> 40) | highBit), 32);
  multiply(h, powers, h);
}

/** Reduces h fully, adds s, and writes the tag. */
function finish(h: usize, s: usize, tag: usize): void {
  let d0 = load<u64>(h), d1 = load<u64>(h, 8), d2 = load<u64>(h, 16), d3 = load<u64>(h, 24), d4 = load<u64>(h, 32);
  for (let pass = 0; pass < 2; pass++) {
    d1 += d0 >> 26; d0 &= LIMB;
    d2 += d1 >> 26; d1 &= LIMB;
    d3 += d2 >> 26; d2 &= LIMB;
    d4 += d3 >> 26; d3 &= LIMB;
    d0 += (d4 >> 26) * 5; d4 &= LIMB;
  }
  d1 += d0 >> 26; d0 &= LIMB;
  let g0 = d0 + 5;
  let g1 = d1 + (g0 >> 26); g0 &= LIMB;
  let g2 = d2 + (g1 >> 26); g1 &= LIMB;
  let g3 = d3 + (g2 >> 26); g2 &= LIMB;
  let g4 = d4 + (g3 >> 26); g3 &= LIMB;
  if (g4 >> 26) { d0 = g0; d1 = g1; d2 = g2; d3 = g3; d4 = g4 & LIMB; }
  const low64 = d0 | (d1 << 26) | (d2 << 52);
  const high64 = (d2 >> 12) | (d3 << 14) | (d4 << 40);
  const tag0 = low64 + load<u64>(s);
  const carry: u64 = tag0 < low64 ? 1 : 0;
  store<u64>(tag, tag0);
  store<u64>(tag, high64 + load<u64>(s, 8) + carry, 8);
}

/** `key` is r ‖ s (32 bytes, r unclamped), `tag` takes 16 bytes, `scratch` needs 384. */
export function poly1305(message: usize, length: usize, key: usize, tag: usize, scratch: usize): void {
  const k0: u64 = load<u64>(key) & 0x0ffffffc0fffffff, k1: u64 = load<u64>(key, 8) & 0x0ffffffc0ffffffc;
  const powers = scratch, h = scratch + 160, work = scratch + 200, padded = scratch + 336;
  store<u64>(powers, k0 & LIMB);
  store<u64>(powers, (k0 >> 26) & LIMB, 8);
  store<u64>(powers, ((k0 >> 52) | (k1 << 12)) & LIMB, 16);
  store<u64>(powers, (k1 >> 14) & LIMB, 24);
  store<u64>(powers, k1 >> 40, 32);
  memory.fill(h, 0, 40);
  const groups = length >> 6;
  const end = message + length;
  if (groups > 0) {
    multiply(powers, powers, powers + 40);
    multiply(powers + 40, powers, powers + 80);
    multiply(powers + 40, powers + 40, powers + 120);
    absorbGroups(message, groups, powers, h, work);
    message += groups << 6;
  }
  for (; message + 16 <= end; message += 16) absorbBlock(message, 1 << 24, powers, h);
  if (message < end) {
    const rest = end - message;
    memory.fill(padded, 0, 16);
    memory.copy(padded, message, rest);
    store<u8>(padded + rest, 1);
    absorbBlock(padded, 0, powers, h);
  }
  finish(h, key + 16, tag);
}
