import { randomInt } from 'node:crypto';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import { mapConcurrently } from '../concurrency.ts';
import { keyOf } from '../layout.ts';
import { writeHeaderRecord, type PackedBlob } from '../pack/pack-header.ts';
import type { Repository } from '../repository.ts';
import { throwIfAborted, type RunContext } from '../run-context.ts';
import type { PackList } from './check-packs.ts';
import type { ReadDataChoice } from './check-report.ts';
import type { Findings } from './findings.ts';
import { PackVerifiers } from './pack-verifiers.ts';

/** Reads the chosen packs whole, in threads. Where packs are no files of this machine, two a thread are in memory at once. */
export async function readPacks(
  repository: Repository,
  packs: PackList,
  choice: ReadDataChoice,
  findings: Findings,
  { events, signal }: RunContext,
): Promise<{ packs: number; bytes: number }> {
  const chosen = choosePacks(packs, choice);
  const done = { packs: 0, bytes: 0 };
  if (chosen.length === 0) return done;
  events({ type: 'phase', phase: 'read packs' });
  const verifiers = new PackVerifiers(repository.masterKey);
  try {
    await mapConcurrently(chosen, verifiers.threads * 2, async (number) => {
      throwIfAborted(signal);
      const pack = packs.index.packs[number] ?? '';
      const content = await locate(repository, pack, findings, signal);
      if (content !== undefined) {
        const { reasons, bytes } = await verifiers.verify({ pack, content, expected: encodeHeader(packs.byPack.blobsOf(number)) });
        for (const reason of reasons) findings.error(`pack ${pack}`, reason);
        done.bytes += bytes;
      }
      done.packs += 1;
      events({ type: 'progress', phase: 'read packs', itemsDone: done.packs, itemsTotal: chosen.length, bytesDone: done.bytes });
    });
  } finally {
    await verifiers.close();
  }
  return done;
}

/** The file of a pack, or its bytes; undefined when it cannot be had, which is then reported: one pack must not hide the state of the others. */
async function locate(
  repository: Repository,
  pack: string,
  findings: Findings,
  signal: AbortSignal,
): Promise<string | Uint8Array | undefined> {
  const key = keyOf('pack', pack);
  const path = repository.storage.local?.path(key);
  if (path !== undefined) return path;
  try {
    return await repository.storage.get(key, undefined, signal);
  } catch (error) {
    if (isError(error, 'interrupted')) throw error;
    findings.error(`pack ${pack}`, `it cannot be read: ${reasonOf(error)}`);
    return undefined;
  }
}

function choosePacks({ readable, index }: PackList, choice: ReadDataChoice): readonly number[] {
  if (choice === 'none') return [];
  if (choice === 'all') return readable;
  if ('percent' in choice) {
    if (!(choice.percent > 0 && choice.percent <= 100)) throw badSubset('a share is above 0% and at most 100%');
    return choose(readable, Math.max(1, Math.round((readable.length * choice.percent) / 100)));
  }
  const { part, of } = choice;
  if (!(Number.isInteger(part) && Number.isInteger(of) && part >= 1 && part <= of && of <= 256))
    throw badSubset('parts are 1/N to N/N, N at most 256');
  // By the first byte of the id, as restic does: one part after the other covers all, also when packs come and go in between.
  return readable.filter((number) => Number.parseInt((index.packs[number] ?? '').slice(0, 2), 16) % of === part - 1);
}

/** `count` of them at random, each as likely as any other. */
function choose(numbers: readonly number[], count: number): number[] {
  const pool = [...numbers];
  for (let at = 0; at < Math.min(count, pool.length); at++) {
    const other = randomInt(at, pool.length);
    [pool[at], pool[other]] = [pool[other] ?? 0, pool[at] ?? 0];
  }
  return pool.slice(0, count);
}

function badSubset(reason: string): HoldfastError {
  return new HoldfastError('usage', { reason: `that is no part of the data to read: ${reason}`, help: 'holdfast check --help' });
}

function encodeHeader(blobs: readonly PackedBlob[]): Buffer {
  const header = Buffer.alloc(blobs.length * 41);
  let used = 0;
  for (const { type, length, uncompressedLength, id } of blobs)
    used = writeHeaderRecord(header, used, type, length, uncompressedLength, Buffer.from(id, 'hex'));
  return header.subarray(0, used);
}
