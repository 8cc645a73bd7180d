import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createQuickRepository, openQuickRepository } from '../../test/harness/repositories/quick-repository.ts';
import { openSealedObjects } from '../engine/objects/sealed-objects.ts';
import type { Repository } from '../engine/repository.ts';
import { listWalSystems, openWalArchive } from './open-wal-archive.ts';
import { minute } from './testing/build-archive.ts';
import type { SegmentToStore, WalArchive } from './wal-archive.ts';
import type { WalObjects } from './wal-objects.ts';

const segmentSize = 2 ** 20;
const name = '000000010000000000000003';
let folder: string;
let repository: Repository;
let objects: WalObjects;
let archive: WalArchive;
/** Each test has a cluster of its own. */
let systemId: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-wal-'));
  await createQuickRepository(folder);
  repository = await openQuickRepository(folder);
  objects = openSealedObjects(repository);
});

beforeEach(() => {
  count += 1;
  systemId = `735000000000000${String(count).padStart(4, '0')}`;
  archive = openWalArchive(objects, systemId);
});

afterAll(async () => {
  await repository.close();
  await rm(folder, { recursive: true, force: true });
});

const content = randomBytes(segmentSize);

function segment(bytes: Uint8Array = content): SegmentToStore {
  const mark = { lsn: 0x30_0000n, at: minute(3) };
  return { name, segmentSize, bytes, sentFrom: minute(1), sentAt: minute(2), completeAt: minute(2), firstCommit: mark, lastCommit: mark };
}

function part(start: number, end: number, from: Uint8Array = content): SegmentToStore & { readonly offset: number } {
  return { ...segment(from.subarray(start, end)), offset: start };
}

describe('a segment', () => {
  test('comes back as it was, and says what it was stored with', async () => {
    expect(await archive.putSegment(segment())).toBe('stored');
    expect(await archive.readSegment(name)).toEqual({ name, content, filled: segmentSize });
    expect(await archive.header(name)).toMatchObject({
      systemId,
      timeline: 1,
      start: 0x30_0000n,
      end: 0x40_0000n,
      firstCommit: { at: minute(3) },
    });
    expect(await archive.segmentSize()).toBe(segmentSize);
    expect(await listWalSystems(objects)).toContain(systemId);
    expect(await readdir(join(folder, 'holdfast', 'wal', systemId))).toEqual(['00000001']);
  });

  test('is stored once: the same again is fine, another is refused', async () => {
    await archive.putSegment(segment());
    expect(await archive.putSegment(segment())).toBe('present');
    await expect(archive.putSegment(segment(randomBytes(segmentSize)))).rejects.toMatchObject({ code: 'wal-different' });
    expect((await archive.readSegment(name)).content.equals(content)).toBe(true);
  });

  test('that is not there, or not so much of it', async () => {
    await expect(archive.readSegment(name)).rejects.toMatchObject({ code: 'wal-missing' });
    await archive.putPart(part(0, 1000));
    await expect(archive.readSegment(name, { least: 1001 })).rejects.toMatchObject({
      code: 'wal-short',
      details: { wanted: 1001, got: 1000 },
    });
    expect(await archive.readSegment(name, { least: 1000 })).toMatchObject({ filled: 1000 });
  });

  test('of which the beginning is missing', async () => {
    await archive.putPart(part(1, 1000));
    await expect(archive.readSegment(name)).rejects.toMatchObject({ code: 'wal-missing' });
    expect(await archive.coverage()).toMatchObject([{ timeline: 1, ranges: [] }]);
  });
});

test('parts in any order, some twice, some within others: what follows without a hole comes back, the rest is zeros', async () => {
  const cuts = fc.array(fc.tuple(fc.nat(39), fc.integer({ min: 1, max: 15 })), { minLength: 1, maxLength: 8 });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(cuts, async (list) => {
      round += 1;
      const own = openWalArchive(objects, String(1000 + round));
      const unit = 1000;
      for (const [start, length] of list) await own.putPart(part(start * unit, (start + length) * unit));
      let reach = 0;
      while (list.some(([start, length]) => start * unit <= reach && reach < (start + length) * unit)) reach += unit;
      if (reach === 0) {
        await expect(own.readSegment(name)).rejects.toMatchObject({ code: 'wal-missing' });
        return;
      }
      const read = await own.readSegment(name);
      expect(read.filled).toBe(reach);
      expect(read.content.length).toBe(segmentSize);
      expect(read.content.subarray(0, reach).equals(content.subarray(0, reach))).toBe(true);
      expect(read.content.subarray(reach).every((byte) => byte === 0)).toBe(true);
    }),
    { numRuns: 25 },
  );
});

test('whole and in parts, as after a crash: the whole one counts', async () => {
  await archive.putPart(part(0, 500));
  await archive.putPart(part(500, 700));
  await archive.putSegment(segment());
  const [covered] = await archive.coverage();
  expect(covered).toMatchObject({ ranges: [{ start: 0x30_0000n, end: 0x40_0000n }], segments: 1, parts: 2, beganAt: minute(1) });
  expect(covered?.newest).toMatchObject({ lsn: 0x40_0000n, at: minute(3) });
  await archive.removeParts(name, [
    { start: 0, end: 500 },
    { start: 500, end: 700 },
  ]);
  expect((await archive.contents(1)).parts.size).toBe(0);
});

test('files that belong to WAL, and histories', async () => {
  const history = Buffer.from('1\t0/300148\tno recovery target specified\n');
  expect(await archive.putHistory(2, history)).toBe('stored');
  expect(await archive.putHistory(2, history)).toBe('present');
  await expect(archive.putHistory(2, Buffer.from('1\t0/300200\tother\n'))).rejects.toMatchObject({ code: 'wal-different' });
  expect((await archive.readHistory(2))?.equals(history)).toBe(true);
  expect(await archive.readHistory(3)).toBeUndefined();
  const backup = `${name}.00000028.backup`;
  await archive.putFile(backup, Buffer.from('START WAL LOCATION'));
  expect((await archive.readFile(backup))?.toString()).toBe('START WAL LOCATION');
  expect(await archive.readFile(`${name}.partial`)).toBeUndefined();
  for (const bad of ['../config', 'RECOVERYXLOG', name, `${name}.part.00000000-00000001`])
    await expect(async () => archive.readFile(bad)).rejects.toMatchObject({ code: 'wal-file' });
  expect(await archive.coverage()).toMatchObject([
    { timeline: 1, ranges: [] },
    { timeline: 2, parent: { timeline: 1, switchPoint: 0x30_0148n }, ranges: [] },
  ]);
});

test('moments and gaps that are recorded', async () => {
  await archive.putSegment(segment());
  await archive.putPosition({ timeline: 1, end: 0x40_0000n, at: minute(30) });
  await archive.putGap({ timeline: 1, from: 0x40_0000n, to: 0x50_0000n, at: minute(31), reason: 'the server had removed it' });
  expect(await archive.readPosition(1)).toEqual({ timeline: 1, end: 0x40_0000n, at: minute(30) });
  expect(await archive.readGaps(1)).toEqual([
    { timeline: 1, from: 0x40_0000n, to: 0x50_0000n, at: minute(31), reason: 'the server had removed it' },
  ]);
  expect((await archive.coverage())[0]?.newest?.at).toEqual(minute(30));
});

describe('what somebody tampered with', () => {
  const objectOf = (): string => `wal/${systemId}/00000001/${name}`;
  const header = {
    v: 1,
    timeline: 1,
    segment: name,
    segmentSize,
    start: '0/300000',
    end: '0/400000',
    sentAt: minute(1).toISOString(),
    sha256: '',
  };

  test.each([
    ['no header', null],
    ['of another version', { ...header, v: 2 }],
    ['another cluster', { ...header, systemId: '1' }],
    ['another segment', { ...header, segment: '000000010000000000000004', start: '0/400000', end: '0/500000' }],
    ['positions beyond it', { ...header, end: '0/500000' }],
    ['an end before the start', { ...header, end: '0/200000' }],
    ['an impossible size', { ...header, segmentSize: 5 }],
    ['another hash', header],
  ])('%s', async (_, changed) => {
    await objects.put(objectOf(), changed === null ? null : { systemId, ...changed }, content);
    await expect(archive.readSegment(name)).rejects.toMatchObject({ code: 'damaged' });
  });

  test('parts whose names are not what they say', async () => {
    const object = objectOf();
    await archive.putPart(part(0, 1000));
    const { header: stored, body } = await objects.get(`${object}.part.00000000-000003E8`);
    await objects.remove(`${object}.part.00000000-000003E8`);
    await objects.put(`${object}.part.00000000-000007D0`, stored, body);
    await expect(archive.readSegment(name)).rejects.toMatchObject({ code: 'damaged' });
  });

  test('names that are none are passed over', async () => {
    for (const odd of [
      'x',
      '00000001/x',
      '00000000/000000000000000000000001',
      `00000002/${name}`,
      `00000001/${name}.part.00000005-00000005`,
      '00000001/gap.1-2',
      `00000001/${name}.part.00000005`,
    ])
      await objects.put(`wal/${systemId}/${odd}`, {}, Buffer.from('x'));
    expect((await archive.timelines()).flatMap(({ whole }) => whole)).toEqual([]);
    expect(await archive.coverage()).toEqual([]);
  });
});

test('what is no system identifier is refused', () => {
  for (const text of ['', '0', 'x', '../1', '1'.repeat(21)])
    expect(() => openWalArchive(objects, text)).toThrow('is not a system identifier');
});
