/**
 * Finds what was taken from an audit trail, changed in it or put in its place. A record holds the hash of the one before, so what is missing or
 * changed in the middle shows by itself. A cut end shows only against a head that was noted elsewhere: by this host, or in another host's records.
 */
import { acceptedIn, type AcceptedFinding, isAccepted } from './accept-findings.ts';
import type { AuditObjects, Head, HeadMemory } from './audit-place.ts';
import type { AuditRecord } from './audit-record.ts';
import { listTrail, readRecords, type ReadRecord } from './read-trail.ts';
import { SnapshotCollector, type RecordedSnapshots } from './recorded-snapshots.ts';

export interface TrailFinding {
  readonly kind: 'damaged' | 'missing' | 'foreign' | 'order' | 'cut' | 'rewritten' | 'stranger';
  readonly chain?: string;
  /** The first record concerned, and the last. */
  readonly from?: number;
  readonly to?: number;
  readonly reason: string;
}

export interface TrailReport {
  readonly chains: readonly { readonly chain: string; readonly records: number; readonly last: Head | undefined }[];
  readonly records: number;
  readonly findings: readonly TrailFinding[];
  /** Findings that somebody has looked at and put down in the trail. */
  readonly accepted: readonly TrailFinding[];
  /** Runs that began, and of which nobody wrote how they ended: they run still, or were killed. */
  readonly unended: readonly AuditRecord[];
  /** What was stored in the repository, as its records say. */
  readonly snapshots: RecordedSnapshots;
}

export interface VerifyRequest {
  readonly objects: AuditObjects;
  readonly memory: HeadMemory;
  /** The id of the repository. */
  readonly repository: string;
}

interface Witness extends Head {
  readonly chain: string;
  readonly by: string;
}

/** Verifies every chain. Throws what the storage throws. */
export async function verifyTrail({ objects, memory, repository }: VerifyRequest): Promise<TrailReport> {
  const { chains, strangers } = await listTrail(objects);
  const findings: TrailFinding[] = strangers.map((name) => ({
    kind: 'stranger',
    reason: `${name} is no record, and nobody here put it there`,
  }));
  const witnesses: Witness[] = [...memory.all()].map(([chain, head]) => ({ chain, ...head, by: 'this host' }));
  const hashes = new Map<string, Map<number, string>>();
  const begun = new Map<string, AuditRecord>();
  const accepted: AcceptedFinding[] = [];
  const snapshots = new SnapshotCollector();
  const summary = [];
  for (const [chain, numbers] of chains) {
    const known = new Map<number, string>();
    hashes.set(chain, known);
    let before = 0;
    for await (const read of readRecords(objects, chain, numbers)) {
      if (read.sequence > before + 1) findings.push(missing(chain, before + 1, read.sequence - 1));
      findings.push(...judgeRecord(read, { repository, previous: known.get(read.sequence - 1), isFirst: read.sequence === 1 }));
      before = read.sequence;
      if (read.hash !== undefined) known.set(read.sequence, read.hash);
      if (read.record === undefined) continue;
      accepted.push(...acceptedIn(read.record));
      snapshots.add(read.record);
      for (const head of read.record.seen) witnesses.push({ ...head, by: `record ${read.sequence} of ${chain}` });
      if (read.record.phase === 'begun') begun.set(read.record.run, read.record);
      else begun.delete(read.record.run);
    }
    const hash = known.get(before);
    summary.push({ chain, records: numbers.length, last: hash === undefined ? undefined : { sequence: before, hash } });
  }
  findings.push(...judgeWitnesses(witnesses, hashes, chains));
  const records = summary.reduce((sum, each) => sum + each.records, 0);
  const isKnown = (finding: TrailFinding): boolean => isAccepted(finding, accepted);
  return {
    chains: summary,
    records,
    findings: findings.filter((finding) => !isKnown(finding)),
    accepted: findings.filter(isKnown),
    unended: [...begun.values()],
    snapshots,
  };
}

interface Place {
  readonly repository: string;
  /** The hash of the record before, where that is there. */
  readonly previous: string | undefined;
  readonly isFirst: boolean;
}

function judgeRecord({ chain, sequence, record, problem }: ReadRecord, { repository, previous, isFirst }: Place): TrailFinding[] {
  const at = { chain, from: sequence, to: sequence };
  if (record === undefined) return [{ kind: 'damaged', ...at, reason: problem ?? 'it cannot be read' }];
  if (record.repository !== repository)
    return [{ kind: 'foreign', ...at, reason: `it is a record of the repository ${record.repository.slice(0, 10)}` }];
  if (record.chain !== chain || record.sequence !== sequence)
    return [{ kind: 'order', ...at, reason: `it says that it is record ${record.sequence} of ${record.chain}` }];
  if (isFirst) return record.previous === '' ? [] : [{ kind: 'missing', ...at, reason: 'it is the first, and names one before it' }];
  // Whoever wrote this one could not read the one before: that shows there.
  if (previous === undefined || record.previous === previous) return [];
  return [
    { kind: 'rewritten', chain, from: sequence - 1, to: sequence, reason: `record ${sequence} names another one before it than is there` },
  ];
}

function missing(chain: string, from: number, to: number): TrailFinding {
  return { kind: 'missing', chain, from, to, reason: 'they are not there, though later ones are' };
}

/** The worst that is known of each chain. */
function judgeWitnesses(
  witnesses: readonly Witness[],
  hashes: ReadonlyMap<string, ReadonlyMap<number, string>>,
  chains: ReadonlyMap<string, readonly number[]>,
): TrailFinding[] {
  const cuts = new Map<string, TrailFinding>();
  const rewritten = new Map<string, TrailFinding>();
  for (const { chain, sequence, hash, by } of witnesses) {
    const last = chains.get(chain)?.at(-1) ?? 0;
    const found = hashes.get(chain)?.get(sequence);
    if (sequence > last && sequence > (cuts.get(chain)?.to ?? 0))
      cuts.set(chain, {
        kind: 'cut',
        chain,
        from: last + 1,
        to: sequence,
        reason: `${by} has seen record ${sequence}, and the trail ends before it`,
      });
    // What is missing in the middle or damaged is told already.
    if (found !== undefined && found !== hash && hash !== '' && !rewritten.has(chain))
      rewritten.set(chain, {
        kind: 'rewritten',
        chain,
        from: sequence,
        to: sequence,
        reason: `${by} has seen another record ${sequence} than is there now`,
      });
  }
  return [...cuts.values(), ...rewritten.values()];
}
