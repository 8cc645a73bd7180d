import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProtocolFailure } from './failures.ts';
import { readTar } from './tar-entries.ts';

let folder: string;
let archive: Buffer;
const long = `${'folder/'.repeat(20)}${'file'.repeat(20)}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-tar-'));
  const tree = join(folder, 'tree');
  await mkdir(join(tree, 'base', 'folder/'.repeat(20)), { recursive: true });
  await mkdir(join(tree, 'empty'));
  await writeFile(join(tree, 'base', long), 'long');
  await writeFile(join(tree, 'none'), '');
  await writeFile(join(tree, 'block'), Buffer.alloc(512, 7), { mode: 0o640 });
  await writeFile(join(tree, 'large'), Buffer.alloc(100_001, 'x'));
  await symlink('/somewhere/else', join(tree, 'link'));
  await symlink('/far/'.repeat(40), join(tree, 'long link'));
  archive = execFileSync('tar', ['--format=gnu', '--owner=70', '--group=71', '--mtime=@1700000000', '-C', tree, '-b', '2', '-c', '.'], {
    maxBuffer: 1 << 26,
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Seen {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly bytes: number;
  readonly target: string;
}

async function read(bytes: Buffer, size: number, hasEnd = true): Promise<Seen[]> {
  let at = 0;
  const source = async (): Promise<Buffer | undefined> => {
    await Promise.resolve();
    const piece = bytes.subarray(at, at + size);
    at += size;
    return piece.length === 0 ? undefined : piece;
  };
  const seen: Seen[] = [];
  for await (const { header, content } of readTar(source, { hasEnd })) {
    let length = 0;
    /* Every other entry is left unread. */
    const isRead = seen.length % 2 === 0;
    if (isRead) for await (const piece of content) length += piece.length;
    expect(header).toMatchObject({ uid: 70, gid: 71, modified: new Date(1_700_000_000_000) });
    if (isRead) expect(length).toBe(header.size);
    seen.push({ path: header.path, type: header.type, mode: header.mode, bytes: header.size, target: header.linkTarget });
  }
  return seen;
}

test('what tar wrote is read, wherever the bytes are divided', async () => {
  const whole = await read(archive, archive.length);
  const byPath = new Map(whole.map((entry) => [entry.path, entry]));
  expect(byPath.get(`./base/${long}`)).toMatchObject({ type: '0', bytes: 4 });
  expect(byPath.get('./empty/')).toMatchObject({ type: '5', bytes: 0 });
  expect(byPath.get('./none')).toMatchObject({ bytes: 0 });
  expect(byPath.get('./block')).toMatchObject({ bytes: 512, mode: 0o640 });
  expect(byPath.get('./large')).toMatchObject({ bytes: 100_001 });
  expect(byPath.get('./link')).toMatchObject({ type: '2', target: '/somewhere/else' });
  expect(byPath.get('./long link')).toMatchObject({ type: '2', target: '/far/'.repeat(40) });
  for (const size of [1, 511, 512, 513, 4096]) expect(await read(archive, size)).toEqual(whole);
});

test('an archive that is cut off is noticed, at every place', async () => {
  /* Without the blocks of zeros at the end. */
  let end = archive.length;
  while (archive.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
  for (let cut = 0; cut <= end; cut += 509) await expect(read(archive.subarray(0, cut), 4096)).rejects.toThrow(ProtocolFailure);
  expect(await read(archive.subarray(0, end), 4096, false)).toHaveLength((await read(archive, 4096)).length);
  await expect(read(archive.subarray(0, end - 1), 4096, false)).rejects.toThrow(ProtocolFailure);
});

test('a header with a flipped bit, and what follows the end, are refused', async () => {
  for (const at of [0, 100, 124, 136, 156]) {
    const broken = Buffer.from(archive);
    broken[at] = (broken[at] ?? 0) ^ 1;
    await expect(read(broken, 4096)).rejects.toThrow(ProtocolFailure);
  }
  await expect(read(Buffer.concat([archive, Buffer.alloc(512, 1)]), 4096)).rejects.toThrow(ProtocolFailure);
});
