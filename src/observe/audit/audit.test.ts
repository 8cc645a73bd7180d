import { beforeEach, expect, test } from 'vitest';
import { openSealedObjects, type SealedObjects } from '../../engine/objects/sealed-objects.ts';
import { initRepository } from '../../engine/repository.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { describeAccepted } from './accept-findings.ts';
import { appendRecord, type AuditTrail } from './append-record.ts';
import { chainOf, createShortMemory, type HeadMemory, nameOfRecord, readName } from './audit-place.ts';
import { type AuditEntry, decodeEntry, decodeRecord, encodeRecord } from './audit-record.ts';
import { listTrail, readRecords } from './read-trail.ts';
import { type TrailFinding, verifyTrail } from './verify-trail.ts';

const at = new Date('2026-05-01T10:00:00Z');
const alpha = chainOf('alpha');
const beta = chainOf('beta');
const storage: Storage = createMemoryStorage();
const repository = await initRepository(storage, { password: 'secret' });
const objects: SealedObjects = openSealedObjects(repository);
let memory: HeadMemory;

beforeEach(async () => {
  for await (const { key } of storage.list('holdfast/')) await storage.remove(key);
  memory = createShortMemory();
});

function entry(note: string, when = at): AuditEntry {
  return {
    event: 'backup',
    phase: 'ended',
    run: 'always the same',
    at: when,
    by: { user: 'operator', host: 'alpha', trigger: 'person', from: '192.0.2.7' },
    what: { command: 'backup', note },
  };
}

function trailOf(host: string, remembered: HeadMemory = memory): AuditTrail {
  return { objects, memory: remembered, repository: repository.config.id, host };
}

async function write(count: number, host = 'alpha', trail = trailOf(host)): Promise<void> {
  for (let each = 1; each <= count; each++) await appendRecord(trail, entry(`${host} ${each}`));
}

async function verify(known: HeadMemory = memory): Promise<readonly TrailFinding[]> {
  return (await verifyTrail({ objects, memory: known, repository: repository.config.id })).findings;
}

const keyOf = (chain: string, sequence: number): string => `holdfast/${nameOfRecord(chain, sequence)}`;

test('what was written is read, in order, and nothing is found', async () => {
  await write(3);
  const { chains, strangers } = await listTrail(objects);
  expect({ chains: [...chains], strangers }).toEqual({ chains: [[alpha, [1, 2, 3]]], strangers: [] });
  const notes = [];
  for await (const { record } of readRecords(objects, alpha, [1, 2, 3])) notes.push(record?.what['note']);
  expect(notes).toEqual(['alpha 1', 'alpha 2', 'alpha 3']);
  const report = await verifyTrail({ objects, memory, repository: repository.config.id });
  expect(report).toMatchObject({ records: 3, findings: [], unended: [], chains: [{ chain: alpha, records: 3, last: { sequence: 3 } }] });
});

test('an edited byte is found', async () => {
  await write(3);
  const bytes = Buffer.from(await storage.get(keyOf(alpha, 2)));
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
  await storage.put(keyOf(alpha, 2), bytes);
  expect(await verify()).toEqual([expect.objectContaining({ kind: 'damaged', chain: alpha, from: 2 })]);
});

test('a record removed from the middle is found, without any memory', async () => {
  await write(5);
  await storage.remove(keyOf(alpha, 2));
  await storage.remove(keyOf(alpha, 3));
  expect(await verify(createShortMemory())).toEqual([expect.objectContaining({ kind: 'missing', from: 2, to: 3 })]);
});

test('the first records removed are found', async () => {
  await write(3);
  await storage.remove(keyOf(alpha, 1));
  expect(await verify(createShortMemory())).toEqual([expect.objectContaining({ kind: 'missing', from: 1, to: 1 })]);
});

test('a cut tail is found by who remembers it, and by nobody else', async () => {
  await write(5);
  for (const sequence of [4, 5]) await storage.remove(keyOf(alpha, sequence));
  expect(await verify(createShortMemory())).toEqual([]);
  expect(await verify()).toEqual([expect.objectContaining({ kind: 'cut', chain: alpha, from: 4, to: 5 })]);
});

test("a cut tail, and a whole chain that is gone, are found by another host's record", async () => {
  await write(5);
  await appendRecord(trailOf('beta', createShortMemory()), entry('looking'), { witness: true });
  await storage.remove(keyOf(alpha, 5));
  expect(await verify(createShortMemory())).toEqual([
    expect.objectContaining({
      kind: 'cut',
      chain: alpha,
      from: 5,
      to: 5,
      reason: expect.stringContaining(`record 1 of ${beta}`) as unknown,
    }),
  ]);
  for (const sequence of [1, 2, 3, 4]) await storage.remove(keyOf(alpha, sequence));
  expect(await verify(createShortMemory())).toEqual([expect.objectContaining({ kind: 'cut', chain: alpha, from: 1, to: 5 })]);
});

test('two records exchanged are found', async () => {
  await write(4);
  const [second, third] = [await storage.get(keyOf(alpha, 2)), await storage.get(keyOf(alpha, 3))];
  await storage.put(keyOf(alpha, 2), third);
  await storage.put(keyOf(alpha, 3), second);
  expect(await verify(createShortMemory())).toEqual([
    expect.objectContaining({ kind: 'damaged', from: 2, reason: expect.stringContaining('under another name') as unknown }),
    expect.objectContaining({ kind: 'damaged', from: 3 }),
  ]);
});

test('a record of another repository is found: its seal does not fit, or its text says so', async () => {
  await write(3);
  const otherStorage = createMemoryStorage();
  const other = await initRepository(otherStorage, { password: 'secret' });
  const elsewhere = { objects: openSealedObjects(other), memory: createShortMemory(), repository: other.config.id, host: 'alpha' };
  await write(3, 'alpha', elsewhere);
  await storage.put(keyOf(alpha, 2), await otherStorage.get(keyOf(alpha, 2)));
  expect(await verify(createShortMemory())).toEqual([expect.objectContaining({ kind: 'damaged', from: 2 })]);
  // Sealed anew by somebody who has this repository's key.
  await objects.put(nameOfRecord(alpha, 2), {}, (await elsewhere.objects.get(nameOfRecord(alpha, 2))).body);
  expect(await verify(createShortMemory())).toEqual([
    expect.objectContaining({ kind: 'foreign', from: 2 }),
    expect.objectContaining({ kind: 'rewritten', from: 2, to: 3 }),
  ]);
});

test('who has the key and changes one record is found by the next; who rewrites all that follow, only by a head kept elsewhere', async () => {
  await write(5);
  const keep = createShortMemory();
  for (const [chain, head] of memory.all()) keep.note(chain, head);
  const forged = decodeRecord((await objects.get(nameOfRecord(alpha, 3))).body);
  await objects.put(nameOfRecord(alpha, 3), {}, encodeRecord({ ...forged, what: { command: 'nothing at all' } }));
  expect(await verify(createShortMemory())).toEqual([expect.objectContaining({ kind: 'rewritten', from: 3, to: 4 })]);

  for (const sequence of [3, 4, 5]) await storage.remove(keyOf(alpha, sequence));
  await write(4, 'alpha', trailOf('alpha', createShortMemory()));
  expect(await verify(createShortMemory())).toEqual([]);
  expect(await verify(keep)).toEqual([expect.objectContaining({ kind: 'rewritten', chain: alpha, from: 5 })]);
});

test('what was accepted is told apart, also when the trail goes on behind it; anything else is news', async () => {
  await write(8);
  for (const sequence of [2, 7, 8]) await storage.remove(keyOf(alpha, sequence));
  await storage.put(`holdfast/audit/${alpha}/note`, Buffer.from('x'));
  const { findings } = await verifyTrail({ objects, memory, repository: repository.config.id });
  expect(findings.map(({ kind }) => kind)).toEqual(['stranger', 'missing', 'cut']);
  const what = { reason: 'put back from a mirror', accepted: describeAccepted(findings) };
  await appendRecord(trailOf('alpha'), { ...entry('looked'), event: 'audit', what });
  const after = await verifyTrail({ objects, memory, repository: repository.config.id });
  expect([after.findings, after.accepted.map(({ kind, from, to }) => [kind, from, to])]).toEqual([
    [],
    [
      ['stranger', undefined, undefined],
      ['missing', 2, 2],
      ['missing', 7, 8],
    ],
  ]);
  await storage.remove(keyOf(alpha, 6));
  expect(await verify()).toEqual([expect.objectContaining({ kind: 'missing', from: 6, to: 8 })]);
});

test('what lies there and is no record is found, and does not stop the trail', async () => {
  await write(2);
  await storage.put(`holdfast/audit/${alpha}/note`, Buffer.from('x'));
  await storage.put(keyOf(alpha, 999_999_999_999), Buffer.from('x'));
  await write(1, 'alpha', trailOf('alpha', createShortMemory()));
  expect((await listTrail(objects)).chains.get(alpha)).toEqual([1, 2, 3, 999_999_999_999]);
  expect((await verify(createShortMemory())).map(({ kind }) => kind)).toEqual(['stranger', 'missing', 'damaged']);
});

test('processes and machines of one name take turns, and two names have a chain each', async () => {
  const writers = Array.from({ length: 6 }, (_, each) => write(8, 'alpha', trailOf('alpha', each < 3 ? memory : createShortMemory())));
  await Promise.all([...writers, write(8, 'beta', trailOf('beta', createShortMemory()))]);
  const { chains } = await listTrail(objects);
  expect(chains.get(alpha)).toEqual(Array.from({ length: 48 }, (_, each) => each + 1));
  expect(chains.get(beta)).toHaveLength(8);
  expect(await verify()).toEqual([]);
});

test('a put whose answer was lost is not written twice', async () => {
  let lost = true;
  const forgetful = {
    ...objects,
    put: async (...args: Parameters<SealedObjects['put']>) => {
      const bytes = await objects.put(...args);
      if (lost) {
        lost = false;
        return objects.put(...args);
      }
      return bytes;
    },
  };
  await write(2, 'alpha', { ...trailOf('alpha'), objects: forgetful });
  expect((await listTrail(objects)).chains.get(alpha)).toEqual([1, 2]);
  expect(await verify()).toEqual([]);
});

test('clocks may be wrong: the order is that of the numbers', async () => {
  for (const year of [2030, 1999, 2026]) await appendRecord(trailOf('alpha'), entry(String(year), new Date(`${year}-01-01T00:00:00Z`)));
  expect(await verify()).toEqual([]);
});

test('a run that began and did not end is shown', async () => {
  await appendRecord(trailOf('alpha'), { ...entry('killed'), run: 'killed', event: 'restore', phase: 'begun' });
  await appendRecord(trailOf('alpha'), { ...entry('whole'), run: 'whole', event: 'restore', phase: 'begun' });
  await appendRecord(trailOf('alpha'), { ...entry('whole'), run: 'whole', event: 'restore', phase: 'ended' });
  const { unended } = await verifyTrail({ objects, memory, repository: repository.config.id });
  expect(unended.map(({ run }) => run)).toEqual(['killed']);
});

test('a plan that is too large is replaced by its hash', () => {
  const plan = Array.from({ length: 40_000 }, (_, each) => ({ remove: `${each}`.repeat(10) }));
  const place = { repository: 'r', chain: alpha, sequence: 1, previous: '', nonce: 'n', seen: [] };
  const read = decodeRecord(encodeRecord({ ...entry('large'), plan, ...place }));
  expect(read.plan).toEqual({
    left_out: 'too large',
    bytes: JSON.stringify(plan).length,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
  });
  expect(decodeRecord(encodeRecord({ ...entry('small'), plan: { remove: [] }, ...place })).plan).toEqual({ remove: [] });
});

test('an entry that waits is read again, and nonsense is not', () => {
  expect(decodeEntry(JSON.stringify({ ...entry('waits'), late: true }))).toEqual({ ...entry('waits'), late: true });
  expect(decodeEntry('{"event":"nothing"}')).toBeUndefined();
});

test('chains are named after hosts, and names say what they are', () => {
  expect(chainOf('Web-01.Example.org')).toMatch(/^web-01-example-org-[0-9a-f]{8}$/);
  expect(chainOf('ДОМ')).toMatch(/^host-[0-9a-f]{8}$/);
  expect(chainOf('web')).not.toBe(chainOf('WEB'));
  expect(readName(nameOfRecord(alpha, 12))).toEqual({ chain: alpha, sequence: 12 });
  expect(readName('audit/a/../000000000001')).toBeUndefined();
});
