import { hash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createMasterKey } from '../crypto/master-key.ts';
import { BufferSealer } from '../crypto/sealer.ts';
import { BlobOpener } from './blob-opener.ts';
import { compressFrame } from './zstd-codec.ts';

const key = createMasterKey();
const sealer = new BufferSealer(key);

interface SealedBlob {
  readonly id: string;
  readonly content: Buffer;
  readonly sealed: Buffer;
  readonly uncompressedLength: number;
}

function sealBlob(content: Buffer, compressed: boolean): SealedBlob {
  return {
    id: hash('sha256', content),
    content,
    sealed: sealer.seal(compressed ? compressFrame(content) : content),
    uncompressedLength: compressed ? content.length : 0,
  };
}

test('several blobs of one input, of sizes that make its memory grow', () => {
  const opener = new BlobOpener(key);
  for (const size of [1, 500_000, 3_000_000, 9_000_000, 10]) {
    const blobs = [sealBlob(randomBytes(size), false), sealBlob(Buffer.alloc(size, 'text '), true), sealBlob(randomBytes(7), true)];
    const whole = Buffer.concat(blobs.map(({ sealed }) => sealed));
    opener.input(whole.length).set(whole);
    let offset = 0;
    for (const { id, content, sealed, uncompressedLength } of blobs) {
      expect(Buffer.compare(opener.open(id, offset, sealed.length, uncompressedLength), content)).toBe(0);
      offset += sealed.length;
    }
  }
});

test('what does not fit is refused with the reason, and the next blob opens', () => {
  const opener = new BlobOpener(key);
  const good = sealBlob(Buffer.alloc(5000, 'words '), true);
  const open = ({ id, sealed, uncompressedLength }: SealedBlob, length = sealed.length): Uint8Array => {
    opener.input(sealed.length).set(sealed);
    return opener.open(id, 0, length, uncompressedLength);
  };
  const bits = Buffer.from(good.sealed);
  bits[100 % bits.length] = (bits[100 % bits.length] ?? 0) ^ 1;
  const cases: readonly (readonly [SealedBlob, string])[] = [
    [{ ...good, sealed: bits }, 'seal'],
    [{ ...good, sealed: good.sealed.subarray(0, 31) }, 'seal'],
    [{ ...good, sealed: new BufferSealer(createMasterKey()).seal(good.content) }, 'seal'],
    [{ ...good, uncompressedLength: 4999 }, 'decompress'],
    [{ ...good, uncompressedLength: 5001 }, 'decompress'],
    [{ ...good, sealed: sealer.seal(Buffer.from('not a frame')) }, 'decompress'],
    [{ ...good, uncompressedLength: 0xffff_ffff }, 'impossible size'],
    [{ ...good, uncompressedLength: 0 }, 'not what its name says'],
    [{ ...good, id: '00'.repeat(32) }, 'not what its name says'],
  ];
  for (const [blob, reason] of cases) {
    expect(() => open(blob)).toThrow(reason);
    expect(Buffer.compare(open(good), good.content)).toBe(0);
  }
  expect(() => open(good, 2 ** 31)).toThrow('seal');
});

test('anything sealed opens, or not', () => {
  const opener = new BlobOpener(key);
  const sealed = sealer.seal(Buffer.from('a header'));
  opener.input(sealed.length).set(sealed);
  expect(opener.openSealed(0, sealed.length - 1)).toBeUndefined();
  expect(Buffer.from(opener.openSealed(0, sealed.length) ?? []).toString()).toBe('a header');
});
