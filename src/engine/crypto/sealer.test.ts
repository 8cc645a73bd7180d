import { createDecipheriv, createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKernelMemory } from '../kernels/kernels.ts';
import { createMasterKey, decodeMasterKey, encodeMasterKey, splitDerivedKey, type MasterKey } from './master-key.ts';
import { BufferSealer, Sealer, sealerScratchSize, sealOverhead } from './sealer.ts';

/** The largest content whose keystream is made in the scratch memory, and the slice in which larger ones go through OpenSSL. */
const keystream = 64_512;
const slice = 131_072;
const sizes = [
  0,
  1,
  15,
  16,
  17,
  63,
  64,
  65,
  1000,
  4096,
  keystream - 17,
  keystream - 16,
  keystream - 1,
  keystream,
  keystream + 1,
  keystream + 16,
  slice - 1,
  slice,
  slice + 1,
  2 * slice - 1,
  2 * slice,
  2 * slice + 17,
  1_000_003,
];

const key = createMasterKey();
const room = 4 << 20;
const sealer = new Sealer(key, createKernelMemory(sealerScratchSize + room), 0);
const at = sealerScratchSize;

function seal(plain: Uint8Array): Buffer {
  sealer.bytes.set(plain, at + 16);
  const length = sealer.sealAt(at, plain.length);
  expect(length).toBe(plain.length + sealOverhead);
  return Buffer.from(sealer.bytes.slice(at, at + length));
}

function open(sealed: Uint8Array, target = at + 16): Buffer | undefined {
  sealer.bytes.set(sealed, at);
  const length = sealer.openAt(at, sealed.length, target);
  return length < 0 ? undefined : Buffer.from(sealer.bytes.slice(target, target + length));
}

/** The tag by the format's definition: Poly1305-AES in whole numbers. */
function tagOf({ macK, macR }: MasterKey, iv: Uint8Array, cipherText: Uint8Array): Buffer {
  const nonce = createCipheriv('aes-128-ecb', macK, null).setAutoPadding(false).update(iv);
  const number = (little: Uint8Array): bigint => BigInt(`0x${Buffer.from(little).reverse().toString('hex') || '0'}`);
  const r = number(macR) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let block = 0; block < cipherText.length; block += 16) {
    const piece = cipherText.slice(block, block + 16);
    sum = ((sum + number(piece) + (1n << BigInt(8 * piece.length))) * r) % ((1n << 130n) - 5n);
  }
  const tag = (sum + number(nonce)) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

function openByDefinition(master: MasterKey, sealed: Buffer): Buffer | undefined {
  const iv = sealed.subarray(0, 16);
  const cipherText = Buffer.from(sealed.subarray(16, -16));
  if (!tagOf(master, iv, cipherText).equals(sealed.subarray(-16))) return undefined;
  return createDecipheriv('aes-256-ctr', master.encrypt, iv).update(cipherText);
}

describe('Sealer', () => {
  test.each(sizes)('%i bytes: sealed as the format says, opened in place and elsewhere', (size) => {
    const plain = randomBytes(size);
    const sealed = seal(plain);
    if (size < 300_000) expect(openByDefinition(key, sealed)?.equals(plain)).toBe(true);
    expect(open(sealed)?.equals(plain)).toBe(true);
    expect(open(sealed, at + (2 << 20) + 3)?.equals(plain)).toBe(true);
  });

  test('opens what was sealed by definition, also where the counter passes 2^64 and 2^128', () => {
    for (const iv of [Buffer.alloc(16, 255), Buffer.concat([randomBytes(8), Buffer.alloc(8, 255)]), randomBytes(16)]) {
      for (const size of [100, keystream, keystream + 1]) {
        const plain = randomBytes(size);
        const cipherText = createCipheriv('aes-256-ctr', key.encrypt, iv).update(plain);
        const sealed = Buffer.concat([iv, cipherText, tagOf(key, iv, cipherText)]);
        expect(open(sealed)?.equals(plain)).toBe(true);
      }
    }
  });

  test('a flipped bit anywhere is refused, and nothing is written', () => {
    const sealed = seal(randomBytes(200));
    const target = at + (1 << 20);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      sealer.bytes.fill(0x55, target, target + 200);
      expect(open(changed, target)).toBeUndefined();
      expect(sealer.bytes.subarray(target, target + 200).every((byte) => byte === 0x55)).toBe(true);
    }
    expect(open(sealed)).toBeDefined();
  });

  test('a flipped bit in large ones is refused too, and so are cut, lengthened and foreign ones', () => {
    const sealed = seal(randomBytes(3 * slice));
    fc.assert(
      fc.property(fc.nat({ max: sealed.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(sealed);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        return open(changed) === undefined;
      }),
      { numRuns: 40 },
    );
    const cut = (length: number): Buffer | undefined => open(sealed.subarray(0, length));
    expect([0, 1, 31, 32, 33, sealed.length - 16, sealed.length - 1].map(cut)).toEqual(Array.from({ length: 7 }, () => undefined));
    expect(open(Buffer.concat([sealed, Buffer.alloc(1)]))).toBeUndefined();
    expect(new BufferSealer(createMasterKey()).open(sealed)).toBeUndefined();
  });

  test('IVs do not repeat over several pools', () => {
    const seen = new Set(Array.from({ length: 3000 }, () => seal(Buffer.alloc(1)).toString('hex', 0, 16)));
    expect(seen.size).toBe(3000);
  });
});

describe('BufferSealer', () => {
  test('grows to what it meets, and small ones still work after', () => {
    const buffers = new BufferSealer(key);
    for (const size of [0, 10, (1 << 20) - 32, (1 << 20) - 31, 1 << 20, 5_000_000, 10, 12_345_678, 1]) {
      const plain = randomBytes(size);
      const sealed = buffers.seal(plain);
      expect(sealed.length).toBe(size + sealOverhead);
      expect(buffers.open(sealed)?.equals(plain)).toBe(true);
      expect(new BufferSealer(key).open(sealed)?.equals(plain)).toBe(true);
    }
  });

  test("what it returns is the caller's own", () => {
    const buffers = new BufferSealer(key);
    const first = buffers.seal(Buffer.from('first'));
    const copy = Buffer.from(first);
    const opened = buffers.open(first);
    buffers.seal(Buffer.from('other'));
    expect([first.equals(copy), opened?.toString()]).toEqual([true, 'first']);
  });
});

describe('master key', () => {
  test('survives its JSON, and takes the parts of a derived key in order', () => {
    const again = decodeMasterKey(encodeMasterKey(key));
    expect(Buffer.concat([again.encrypt, again.macK, again.macR]).equals(Buffer.concat([key.encrypt, key.macK, key.macR]))).toBe(true);
    const derived = randomBytes(64);
    const split = splitDerivedKey(derived);
    expect(Buffer.concat([split.encrypt, split.macK, split.macR]).equals(derived)).toBe(true);
  });

  test('of the wrong length is refused', () => {
    const short = encodeMasterKey({ ...key, macR: randomBytes(15) });
    expect(() => decodeMasterKey(short)).toThrow('wrong length');
    expect(() => decodeMasterKey(Buffer.from('{}'))).toThrow('mac is not an object');
    expect(() => decodeMasterKey(Buffer.from('nonsense'))).toThrow('JSON');
  });
});
