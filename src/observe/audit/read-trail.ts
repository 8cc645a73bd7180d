/** Reads the records of a repository, chain by chain and in order. */
import { isError, reasonOf } from '../../errors.ts';
import { auditFolder, type AuditObjects, nameOfRecord, readName } from './audit-place.ts';
import { type AuditRecord, decodeRecord, hashOfRecord } from './audit-record.ts';

/** Numbers of the records that are there, by chain, each in order; and what lies there and is no record. */
export interface TrailNames {
  readonly chains: ReadonlyMap<string, readonly number[]>;
  readonly strangers: readonly string[];
}

/** A record, or why it cannot be read. */
export interface ReadRecord {
  readonly chain: string;
  readonly sequence: number;
  /** Absent where nothing of it can be read. */
  readonly hash?: string;
  readonly record?: AuditRecord;
  readonly problem?: string;
}

/** Records that are read at once. */
const atOnce = 16;

export async function listTrail(objects: AuditObjects): Promise<TrailNames> {
  const chains = new Map<string, number[]>();
  const strangers: string[] = [];
  for await (const { name } of objects.list(auditFolder)) {
    const place = readName(name);
    if (place === undefined) strangers.push(name);
    else {
      const numbers = chains.get(place.chain) ?? [];
      numbers.push(place.sequence);
      chains.set(place.chain, numbers);
    }
  }
  for (const numbers of chains.values()) numbers.sort((a, b) => a - b);
  return { chains: new Map([...chains].toSorted(([a], [b]) => (a < b ? -1 : 1))), strangers };
}

/** Reads records of a chain in the order that is given. Throws what the storage throws, but for what is damaged or gone. */
export async function* readRecords(objects: AuditObjects, chain: string, numbers: readonly number[]): AsyncGenerator<ReadRecord> {
  for (let from = 0; from < numbers.length; from += atOnce)
    yield* await Promise.all(numbers.slice(from, from + atOnce).map((sequence) => readOne(objects, chain, sequence)));
}

async function readOne(objects: AuditObjects, chain: string, sequence: number): Promise<ReadRecord> {
  let body: Buffer;
  try {
    ({ body } = await objects.get(nameOfRecord(chain, sequence)));
  } catch (error) {
    if (isError(error, 'damaged') || isError(error, 'storage-missing')) return { chain, sequence, problem: reasonOf(error) };
    throw error;
  }
  const hash = hashOfRecord(body);
  try {
    return { chain, sequence, hash, record: decodeRecord(body) };
  } catch (error) {
    return { chain, sequence, hash, problem: `what is in it is no record: ${reasonOf(error)}` };
  }
}
