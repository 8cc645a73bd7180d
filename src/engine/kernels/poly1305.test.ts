import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKernelMemory, loadKernels } from './kernels.ts';

const memory = createKernelMemory(1 << 20);
const kernels = loadKernels(memory);
const bytes = new Uint8Array(memory.buffer);
const messageAt = 4096;

function tagOf(key: Uint8Array, message: Uint8Array, misalignment = 0): string {
  bytes.set(key, 0);
  bytes.fill(0xa5, 64, 1024); // what another run left in the scratch memory must not matter
  bytes.fill(0xee, messageAt, messageAt + misalignment + message.length + 64); // nor what lies around the message
  bytes.set(message, messageAt + misalignment);
  kernels.poly1305(messageAt + misalignment, message.length, 0, 32, 64);
  return Buffer.from(bytes.slice(32, 48)).toString('hex');
}

/** The definition (RFC 8439 §2.5), in whole numbers. */
function tagByDefinition(key: Uint8Array, message: Uint8Array): string {
  const number = (little: Uint8Array): bigint => BigInt(`0x${Buffer.from(little).reverse().toString('hex') || '0'}`);
  const r = number(key.slice(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.slice(at, at + 16);
    sum = ((sum + number(block) + (1n << BigInt(8 * block.length))) * r) % ((1n << 130n) - 5n);
  }
  const tag = (sum + number(key.slice(16, 32))) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse().toString('hex');
}

const zero = '00'.repeat(16);
const ietf = Buffer.from(
  'Any submission to the IETF intended by the Contributor for publication as all or part of an IETF Internet-Draft or RFC and any ' +
    'statement made within the context of an IETF activity is considered an "IETF Contribution". Such statements include oral ' +
    'statements in IETF sessions, as well as written and electronic communications made at any time or place, which are addressed to',
).toString('hex');
const brillig = Buffer.from(
  "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe:\nAll mimsy were the borogoves,\nAnd the mome raths outgrabe.",
).toString('hex');

/** RFC 8439: the example of §2.5.2, then the eleven of appendix A.3, which aim at the carries. */
const vectors: readonly (readonly [name: string, key: string, message: string, tag: string])[] = [
  [
    '2.5.2',
    '85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b',
    Buffer.from('Cryptographic Forum Research Group').toString('hex'),
    'a8061dc1305136c6c22b8baf0c0127a9',
  ],
  ['A.3 #1', zero + zero, zero.repeat(4), zero],
  ['A.3 #2', `${zero}36e5f6b5c5e06070f0efca96227a863e`, ietf, '36e5f6b5c5e06070f0efca96227a863e'],
  ['A.3 #3', `36e5f6b5c5e06070f0efca96227a863e${zero}`, ietf, 'f3477e7cd95417af89a6b8794c310cf0'],
  ['A.3 #4', '1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0', brillig, '4541669a7eaaee61e708dc7cbcc5eb62'],
  ['A.3 #5', `02${'00'.repeat(15)}${zero}`, 'ff'.repeat(16), `03${'00'.repeat(15)}`],
  ['A.3 #6', `02${'00'.repeat(15)}${'ff'.repeat(16)}`, `02${'00'.repeat(15)}`, `03${'00'.repeat(15)}`],
  ['A.3 #7', `01${'00'.repeat(15)}${zero}`, `${'ff'.repeat(16)}f0${'ff'.repeat(15)}11${'00'.repeat(15)}`, `05${'00'.repeat(15)}`],
  ['A.3 #8', `01${'00'.repeat(15)}${zero}`, `${'ff'.repeat(16)}fb${'fe'.repeat(15)}${'01'.repeat(16)}`, zero],
  ['A.3 #9', `02${'00'.repeat(15)}${zero}`, `fd${'ff'.repeat(15)}`, `fa${'ff'.repeat(15)}`],
  [
    'A.3 #10',
    `01000000000000000400000000000000${zero}`,
    `e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000${zero}01${'00'.repeat(15)}`,
    '14000000000000005500000000000000',
  ],
  [
    'A.3 #11',
    `01000000000000000400000000000000${zero}`,
    `e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000${zero}`,
    `13${'00'.repeat(15)}`,
  ],
];

describe('the tag', () => {
  test.each(vectors)('RFC 8439 %s', (_, key, message, tag) => {
    expect(tagOf(Buffer.from(key, 'hex'), Buffer.from(message, 'hex'))).toBe(tag);
    expect(tagByDefinition(Buffer.from(key, 'hex'), Buffer.from(message, 'hex'))).toBe(tag);
  });

  test('of every length from 0 to 300, at any address', () => {
    for (let length = 0; length <= 300; length++) {
      const key = randomBytes(32);
      const message = randomBytes(length);
      expect([length, tagOf(key, message, length % 17)]).toEqual([length, tagByDefinition(key, message)]);
    }
  });

  test('of bytes that make every carry run', () => {
    const extreme = fc.constantFrom(0x00, 0x01, 0xfb, 0xfc, 0xfd, 0xfe, 0xff);
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const edges = fc.array(extreme, { minLength: 32, maxLength: 32 }).map((values) => Uint8Array.from(values));
    const block = fc.array(extreme, { minLength: 16, maxLength: 16 });
    const message = fc.array(fc.oneof(block, extreme.map((value) => Array.from({ length: 16 }, () => value))), { maxLength: 24 });
    fc.assert(
      fc.property(fc.oneof(key, edges), message, fc.integer({ min: 0, max: 15 }), (secret, blocks, cut) => {
        const whole = Uint8Array.from(blocks.flat());
        const text = whole.subarray(0, Math.max(0, whole.length - cut));
        expect(tagOf(secret, text)).toBe(tagByDefinition(secret, text));
      }),
      { numRuns: 500 },
    );
  });

  test('of long messages', () => {
    for (const length of [65_535, 65_536, 131_071, 500_003]) {
      const key = Buffer.alloc(32, 255);
      const message = length % 2 === 0 ? Buffer.alloc(length, 255) : randomBytes(length);
      expect(tagOf(key, message)).toBe(tagByDefinition(key, message));
    }
  });
});
