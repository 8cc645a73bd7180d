import { randomUUID } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Repository } from '../../engine/repository.ts';
import { describeAccepted } from '../../observe/audit/accept-findings.ts';
import { appendRecord } from '../../observe/audit/append-record.ts';
import type { AuditActor } from '../../observe/audit/audit-record.ts';
import { type TrailReport, verifyTrail } from '../../observe/audit/verify-trail.ts';
import { openTrail } from './repository-trail.ts';
import { findUnrecorded, type UnrecordedPoint } from './unrecorded-points.ts';

export interface AuditReport extends TrailReport {
  /** Points that no run of holdfast has recorded. */
  readonly unrecorded: readonly UnrecordedPoint[];
}

/**
 * Verifies the audit trail of a repository against itself and against what this host remembers of it. Where nothing is found the heads of all chains
 * are remembered from now on. Throws what the storage throws.
 */
export async function verifyAudit(repository: Repository, catalog: Catalog | undefined): Promise<AuditReport> {
  const { objects, memory } = openTrail(repository, catalog);
  const report = await verifyTrail({ objects, memory, repository: repository.config.id });
  if (report.findings.length === 0) for (const { chain, last } of report.chains) if (last !== undefined) memory.note(chain, last);
  return { ...report, unrecorded: await findUnrecorded(repository, report.snapshots) };
}

export interface Acceptance {
  readonly by: AuditActor;
  /** Why, for whoever wonders later. */
  readonly reason: string;
}

/** Puts down in the trail that somebody has looked at these findings: from now on they are shown apart, and everything else is news. Throws what the storage throws. */
export async function acceptFindings(
  repository: Repository,
  catalog: Catalog | undefined,
  { findings }: TrailReport,
  { by, reason }: Acceptance,
): Promise<void> {
  const what = { command: 'audit verify', reason, accepted: describeAccepted(findings) };
  const at = repository.clock.now();
  await appendRecord(openTrail(repository, catalog), { event: 'audit', phase: 'ended', run: randomUUID(), at, by, what });
}
