/**
 * Adds records to the chain of this host. Every record has a name of its own that is made from its number, and is only put where nothing is: so two
 * processes, or two machines of one name, never overwrite one another, and a place that only takes new objects is enough.
 */
import { randomUUID } from 'node:crypto';
import { HoldfastError, isError } from '../../errors.ts';
import { type AuditObjects, chainOf, type Head, type HeadMemory, auditFolder, nameOfRecord, readName } from './audit-place.ts';
import { type AuditEntry, type AuditRecord, type ChainHead, encodeRecord, hashOfRecord } from './audit-record.ts';

export interface AuditTrail {
  readonly objects: AuditObjects;
  readonly memory: HeadMemory;
  /** The id of the repository. */
  readonly repository: string;
  /** This host's name. */
  readonly host: string;
}

const nothing: Head = { sequence: 0, hash: '' };
/** Others that took the next place one after another before the end is looked for anew. */
const mostSteps = 20;
const mostAttempts = 2000;
const mostWitnessed = 50;
const mostUnreadable = 100;

/**
 * Appends an entry; durable when it resolves. With `witness`, what other hosts' chains end with is looked up and written along.
 *
 * @throws HoldfastError whatever the storage throws
 */
export async function appendRecord(trail: AuditTrail, entry: AuditEntry, { witness = false } = {}): Promise<AuditRecord> {
  const { objects, memory, repository, host } = trail;
  const chain = chainOf(host);
  const seen = witness ? await lookAtOthers(trail, chain) : [];
  const nonce = randomUUID();
  let head = memory.get(chain) ?? (await findHead(objects, chain));
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const record: AuditRecord = { ...entry, repository, chain, sequence: head.sequence + 1, previous: head.hash, nonce, seen };
    const body = encodeRecord(record);
    const own = { sequence: record.sequence, hash: hashOfRecord(body) };
    try {
      await objects.put(nameOfRecord(chain, record.sequence), {}, body, { ifAbsent: true });
      memory.note(chain, own);
      return record;
    } catch (error) {
      if (!isError(error, 'storage-exists')) throw error;
    }
    const there = { sequence: record.sequence, hash: await hashAt(objects, chain, record.sequence) };
    // A put whose answer was lost, and that was tried again, finds itself.
    if (there.hash === own.hash) return record;
    head = attempt % mostSteps === 0 ? await findHead(objects, chain) : there;
    memory.note(chain, head);
  }
  throw new HoldfastError('internal', { reason: 'others write to the audit trail without end' });
}

/** Where a chain ends in the repository: with the last record that can be read, for anybody may put something else behind it. */
async function findHead(objects: AuditObjects, chain: string): Promise<Head> {
  const numbers: number[] = [];
  for await (const { name } of objects.list(`${auditFolder}${chain}/`)) numbers.push(readName(name)?.sequence ?? 0);
  for (const sequence of numbers.toSorted((a, b) => b - a).slice(0, mostUnreadable)) {
    const hash = sequence === 0 ? '' : await hashAt(objects, chain, sequence);
    if (hash !== '') return { sequence, hash };
  }
  return nothing;
}

/** Empty for a record that is damaged: the chain goes on behind it, and whoever verifies it sees why. */
async function hashAt(objects: AuditObjects, chain: string, sequence: number): Promise<string> {
  try {
    return hashOfRecord((await objects.get(nameOfRecord(chain, sequence))).body);
  } catch (error) {
    if (isError(error, 'damaged') || isError(error, 'storage-missing')) return '';
    throw error;
  }
}

/** Heads of the other chains. */
async function lookAtOthers({ objects, memory }: AuditTrail, own: string): Promise<ChainHead[]> {
  const last = new Map<string, number>();
  for await (const { name } of objects.list(auditFolder)) {
    const { chain, sequence } = readName(name) ?? {};
    if (chain !== undefined && sequence !== undefined && chain !== own) last.set(chain, Math.max(sequence, last.get(chain) ?? 0));
  }
  const heads: ChainHead[] = [];
  for (const [chain, sequence] of [...last].slice(-mostWitnessed)) {
    const hash = await hashAt(objects, chain, sequence);
    if (hash === '') continue;
    memory.note(chain, { sequence, hash });
    heads.push({ chain, sequence, hash });
  }
  return heads;
}
