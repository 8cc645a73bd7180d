/**
 * Findings that were looked at: a repository that was put back to an earlier state has lost records for good, and that must not hide what happens
 * afterwards. Who accepted what, and why, is a record of its own, so that it can be read for ever.
 */
import { readArray, readInteger, readObject, readString } from '../../util/wire.ts';
import type { AuditRecord } from './audit-record.ts';
import type { TrailFinding } from './verify-trail.ts';

/** What a record of the event `audit` accepts. */
export type AcceptedFinding = Omit<TrailFinding, 'reason'> & { readonly reason?: string };

const mostAccepted = 1000;

/** What to write into the record. Of what has no number the reason says what it is. */
export function describeAccepted(findings: readonly TrailFinding[]): readonly AcceptedFinding[] {
  return findings.slice(0, mostAccepted).map(({ reason, ...finding }) => (finding.from === undefined ? { ...finding, reason } : finding));
}

/** Nothing for any other record, and for one that says nothing that can be understood. */
export function acceptedIn({ event, what }: AuditRecord): readonly AcceptedFinding[] {
  if (event !== 'audit') return [];
  try {
    return readArray(what['accepted'], 'accepted').slice(0, mostAccepted).map(readAccepted);
  } catch {
    return [];
  }
}

/** Whether all of a finding was accepted. What is missing stays so when the trail goes on behind it, and is no cut end any more. */
export function isAccepted(finding: TrailFinding, accepted: readonly AcceptedFinding[]): boolean {
  return accepted.some((each) => {
    if (each.chain !== finding.chain || groupOf(each.kind) !== groupOf(finding.kind)) return false;
    if (finding.from === undefined || finding.to === undefined) return each.reason === finding.reason;
    return each.from !== undefined && each.to !== undefined && each.from <= finding.from && finding.to <= each.to;
  });
}

function groupOf(kind: string): string {
  return kind === 'cut' ? 'missing' : kind;
}

const kinds = ['damaged', 'missing', 'foreign', 'order', 'cut', 'rewritten', 'stranger'] as const satisfies readonly TrailFinding['kind'][];

function readAccepted(value: unknown): AcceptedFinding {
  const wire = readObject(value, 'accepted');
  const kind = kinds.find((each) => each === wire['kind']);
  if (kind === undefined) throw new Error('its kind is unknown');
  return {
    kind,
    ...(wire['chain'] === undefined ? {} : { chain: readString(wire['chain'], 'chain') }),
    ...(wire['from'] === undefined ? {} : { from: readInteger(wire['from'], 'from', 1) }),
    ...(wire['to'] === undefined ? {} : { to: readInteger(wire['to'], 'to', 1) }),
    ...(wire['reason'] === undefined ? {} : { reason: readString(wire['reason'], 'reason') }),
  };
}
