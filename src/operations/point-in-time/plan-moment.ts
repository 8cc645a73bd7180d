/** Chooses the base backup, the branch and the write-ahead log that lead to a moment. Changes nothing. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import { HoldfastError, isError, reasonOf, toHoldfastError, type ErrorCode } from '../../errors.ts';
import { describeTarget, type RecoveryTarget } from '../../sources/postgres/recovery/recovery-target.ts';
import { parseLsn } from '../../util/lsn.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import { planWal, type WalPlan, type WalTarget } from '../../wal/plan-wal.ts';
import type { PointRequest } from '../point-request.ts';
import { findBaseSnapshots, openBase, openChain, type StoredBase } from './find-bases.ts';
import type { MomentPlan, RecoveryEstimate } from './moment-plan.ts';

export interface MomentRequest {
  readonly target: RecoveryTarget;
  readonly timeline?: number;
  /** `latest`: the base is chosen. Anything else names one. */
  readonly point: PointRequest;
  /** How long the last recovery of this component took here, and of how many bytes. */
  readonly last?: { readonly seconds: number; readonly bytes: number };
}

/** Usual speeds, in bytes a second, where nothing was measured on this host yet. */
const usual = { restore: 150 * 2 ** 20, replay: 50 * 2 ** 20, seconds: 3 };

/**
 * Plans. Throws `snapshot-missing`, `moment-unreachable` where no base backup is old enough, and what planning the log throws: `wal-gap`, `wal-target-ahead`,
 * `wal-timeline-unknown`, `wal-timeline-ambiguous`, ….
 */
export async function planMoment(repository: Repository, request: MomentRequest, context: RunContext): Promise<MomentPlan> {
  const { target, point } = request;
  const candidates = await findBaseSnapshots(repository, point, context);
  let failure: unknown;
  let oldest: StoredBase | undefined;
  for (const candidate of candidates) {
    const base = await openBase(repository, candidate, context.signal);
    oldest = base;
    if (!mayLeadTo(base, target)) continue;
    try {
      return await planFrom(repository, base, request, context.signal);
    } catch (error) {
      // An older base may lead there where this one does not: it ends too late, or on another branch.
      if (!olderMayDo.some((code) => isError(error, code))) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw toHoldfastError(failure);
  const named = candidates.length === 1 && point.name !== 'latest';
  throw new HoldfastError('moment-unreachable', {
    target: describeTarget(target),
    reason: `${named ? 'that base backup' : 'the oldest base backup there is'} ended at ${oldest?.manifest.endedAt ?? ''}, position ${oldest?.manifest.endLsn ?? ''}, and no earlier state can be reached from it`,
    remedy: named ? 'Leave the point out, so that an older one is found' : 'Choose a later moment; see what there is with: holdfast list',
  });
}

const olderMayDo: readonly ErrorCode[] = ['wal-target-early', 'wal-timeline-unknown'];

/** A server that is given an earlier target than its base's end comes up newer than asked, and says nothing. */
function mayLeadTo({ manifest }: StoredBase, target: RecoveryTarget): boolean {
  // Microseconds are dropped from the end's time.
  if (target.kind === 'time') return Date.parse(manifest.endedAt) < target.time.getTime();
  if (target.kind === 'lsn') return parseLsn(manifest.endLsn) <= readPosition(target.lsn);
  return true;
}

async function planFrom(repository: Repository, base: StoredBase, request: MomentRequest, signal: AbortSignal): Promise<MomentPlan> {
  const { target, last } = request;
  const { manifest } = base;
  const chain = await openChain(repository, base, signal);
  const wal = target.kind === 'immediate' ? undefined : await planLog(repository, base, request);
  const throughEnd = target.kind === 'time' && wal !== undefined && !wal.commitAfterTarget;
  const newest = wal === undefined ? new Date(manifest.endedAt) : wal.newest.at;
  const notes = [
    ...(throughEnd
      ? [
          `Nothing was committed after ${wal.newest.lastCommit?.at.toISOString() ?? manifest.endedAt}: the end of the log is the state of that moment.`,
        ]
      : []),
    ...(target.kind === 'xid' || target.kind === 'name'
      ? ['Whether the log holds it is only known when it is replayed. If it was before this base backup, name an older point.']
      : []),
    ...(wal?.gaps.length ? ['There are gaps in the log beyond what this needs: see holdfast wal status.'] : []),
  ];
  return {
    component: base.snapshot.tags.component,
    target,
    base,
    chain,
    ...(wal === undefined ? {} : { wal }),
    timeline: wal?.timeline ?? manifest.endTimeline,
    aim: throughEnd ? { kind: 'latest' } : target,
    ...(newest === undefined ? {} : { newest }),
    bytes: manifest.bytes,
    estimate: estimate(manifest.bytes, wal?.bytes ?? 0, last),
    notes,
  };
}

async function planLog(repository: Repository, { manifest }: StoredBase, { target, timeline }: MomentRequest): Promise<WalPlan> {
  const archive = openWalArchive(openSealedObjects(repository), manifest.systemId);
  return planWal({
    archive,
    from: { lsn: parseLsn(manifest.startLsn), timeline: manifest.timeline },
    baseEnd: { lsn: parseLsn(manifest.endLsn), timeline: manifest.endTimeline, at: new Date(manifest.endedAt) },
    target: asWalTarget(target),
    ...(timeline === undefined ? {} : { timeline }),
  });
}

function asWalTarget(target: RecoveryTarget): WalTarget {
  if (target.kind === 'time') return { kind: 'time', at: target.time };
  if (target.kind === 'lsn') return { kind: 'lsn', lsn: readPosition(target.lsn) };
  return target;
}

function readPosition(text: string): bigint {
  try {
    return parseLsn(text);
  } catch (error) {
    throw new HoldfastError('usage', { reason: reasonOf(error), help: 'holdfast restore --help' }, error);
  }
}

function estimate(bytes: number, walBytes: number, last: MomentRequest['last']): RecoveryEstimate {
  if (last !== undefined && last.bytes > 0 && last.seconds > 0)
    return { seconds: Math.ceil(((bytes + walBytes) * last.seconds) / last.bytes), measured: true };
  return { seconds: Math.ceil(usual.seconds + bytes / usual.restore + walBytes / usual.replay), measured: false };
}
