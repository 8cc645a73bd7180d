import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createMasterKey } from '../crypto/master-key.ts';
import { KeptFolder } from './kept-folder.ts';

const above = mkdtempSync(join(tmpdir(), 'holdfast-kept-'));
const master = createMasterKey();
const piece = 2 ** 20;
let folder = '';
let kept = new KeptFolder(above, master);
beforeEach(() => {
  folder = mkdtempSync(join(above, 'one-'));
  kept = new KeptFolder(folder, master);
});
afterAll(() => rmSync(above, { recursive: true, force: true }));

const readAll = (from: KeptFolder, name: string): Promise<Buffer | undefined> => from.read(name, (reader) => reader.rest());
const pathOf = (name: string): string => join(folder, name);

async function keep(name: string, bytes: Uint8Array): Promise<void> {
  await kept.write(name, bytes.length, [bytes]);
}

describe('what is kept comes back', () => {
  test.each([0, 1, 1000, piece - 1, piece, piece + 1, 4 * piece, 9 * piece + 17])('%d bytes', async (size) => {
    const bytes = randomBytes(size);
    const middle = Math.floor(size / 3);
    await kept.write('thing', size, [bytes.subarray(0, middle), new Uint8Array(0), bytes.subarray(middle)]);
    expect((await readAll(kept, 'thing'))?.equals(bytes)).toBe(true);
    const parts = await kept.read('thing', async (reader) => {
      const first = new Uint8Array(middle);
      await reader.fill(first);
      return [Buffer.from(first), await reader.rest(), reader.size] as const;
    });
    expect(parts?.[0].equals(bytes.subarray(0, middle))).toBe(true);
    expect(parts?.[1].equals(bytes.subarray(middle))).toBe(true);
    expect(parts?.[2]).toBe(size);
  });

  test('replaced by what is kept later, with no draft left, for nobody else to read', async () => {
    await keep('thing', Buffer.from('first'));
    await keep('thing', Buffer.from('second'));
    expect((await readAll(kept, 'thing'))?.toString()).toBe('second');
    expect(readdirSync(folder).toSorted()).toEqual(['CACHEDIR.TAG', 'thing']);
    expect(statSync(pathOf('thing')).mode & 0o777).toBe(0o600);
  });

  test('not in the clear', async () => {
    await keep('thing', Buffer.from('a host, a path, a tag '.repeat(100)));
    expect(readFileSync(pathOf('thing')).includes('a host')).toBe(false);
  });
});

describe('as if it had never been there', () => {
  const bytes = randomBytes(5 * piece + 1000);
  const sealedPiece = piece + 16;
  const begin = 48;
  const damages: readonly (readonly [string, (sealed: Buffer) => Buffer])[] = [
    ['a bit of its mark', (sealed) => flip(sealed, 3)],
    ['a bit of its salt', (sealed) => flip(sealed, 20)],
    ['a bit in its middle', (sealed) => flip(sealed, sealed.length >> 1)],
    ['its last bit', (sealed) => flip(sealed, sealed.length - 1)],
    ['a byte is missing', (sealed) => sealed.subarray(0, -1)],
    ['the last piece is missing', (sealed) => sealed.subarray(0, begin + 5 * sealedPiece)],
    ['all but two pieces are missing', (sealed) => sealed.subarray(0, begin + 2 * sealedPiece)],
    ['it ends in its mark', (sealed) => sealed.subarray(0, 7)],
    ['nothing is left', () => Buffer.alloc(0)],
    ['a byte more', (sealed) => Buffer.concat([sealed, Buffer.of(0)])],
    ['its end is zeros', (sealed) => Buffer.concat([sealed.subarray(0, sealed.length - 4096), Buffer.alloc(4096)])],
    ['two pieces change places', (sealed) => swap(sealed, begin, begin + sealedPiece, sealedPiece)],
  ];
  test.each(damages)('%s', async (_, damage) => {
    await keep('thing', bytes);
    expect((await readAll(kept, 'thing'))?.equals(bytes)).toBe(true);
    writeFileSync(pathOf('thing'), damage(readFileSync(pathOf('thing'))));
    expect(await readAll(kept, 'thing')).toBeUndefined();
    expect(existsSync(pathOf('thing'))).toBe(false);
    await keep('thing', bytes);
    expect((await readAll(kept, 'thing'))?.equals(bytes)).toBe(true);
  });

  test('under another name, or another key', async () => {
    await keep('thing', bytes);
    writeFileSync(pathOf('other'), readFileSync(pathOf('thing')));
    expect(await readAll(kept, 'other')).toBeUndefined();
    expect(await readAll(new KeptFolder(folder, createMasterKey()), 'thing')).toBeUndefined();
  });

  test('where more is asked for than there is, and where its reader wants none of it', async () => {
    await keep('thing', Buffer.from('short'));
    expect(await kept.read('thing', (reader) => reader.fill(new Uint8Array(6)))).toBeUndefined();
    await keep('thing', Buffer.from('short'));
    expect(await kept.read('thing', () => Promise.reject(new Error('of no use')))).toBeUndefined();
    expect(existsSync(pathOf('thing'))).toBe(false);
  });

  test('where there is no folder, and where none can be made', async () => {
    expect(await readAll(new KeptFolder(join(folder, 'missing'), master), 'thing')).toBeUndefined();
    writeFileSync(pathOf('file'), '');
    const blocked = new KeptFolder(pathOf('file'), master);
    await blocked.write('thing', 1, [Buffer.of(1)]);
    expect(await readAll(blocked, 'thing')).toBeUndefined();
  });

  test('where it would take much of what is free on the disk', async () => {
    await kept.write('thing', 2 ** 50, [Buffer.of(1)]);
    expect(await readAll(kept, 'thing')).toBeUndefined();
  });
});

test('drafts of runs that died long ago are removed, those of others at work are not', async () => {
  await keep('thing', Buffer.of(1));
  for (const name of ['.draft-old', '.draft-new']) writeFileSync(pathOf(name), '');
  const { mtimeMs } = statSync(pathOf('.draft-new'));
  utimesSync(pathOf('.draft-old'), mtimeMs / 1000 - 7200, mtimeMs / 1000 - 7200);
  await keep('thing', Buffer.of(2));
  expect(readdirSync(folder).toSorted()).toEqual(['.draft-new', 'CACHEDIR.TAG', 'thing']);
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

function swap(bytes: Buffer, one: number, other: number, length: number): Buffer {
  const first = Buffer.from(bytes.subarray(one, one + length));
  bytes.copyWithin(one, other, other + length);
  bytes.set(first, other);
  return bytes;
}
