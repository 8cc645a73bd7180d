/**
 * Receives a server's WAL into the archive, for as long as it is let: connects, streams, and after any interruption goes on exactly where
 * the archive ends. It may be killed at any instant: what is stored is never torn, and the slot makes the server keep what is not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isError, toHoldfastError, type ErrorCode } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { Clock } from '../util/clock.ts';
import { runReceiveSession } from './receive-session.ts';
import { ReceiverLedger } from './receiver-ledger.ts';
import type { WalReceiverStatus } from './receiver-status.ts';
import type { WalArchive } from './wal-archive.ts';
import type { WalFeed } from './wal-feed.ts';

export interface ReceiveWalRequest {
  /** Connects. Called again after each interruption. */
  readonly feed: () => Promise<WalFeed>;
  /** The archive of the cluster that answers. */
  readonly archive: (systemId: string) => WalArchive;
  /** The replication slot, created where there is none. */
  readonly slot: string;
  /** How often new bytes of a part-filled segment are stored, in milliseconds: what may be lost when the server's disk is. */
  readonly flushMs: number;
  /** Store whatever comes at once, and confirm it at once: for a server that waits for it before it commits. */
  readonly synchronous: boolean;
  /** End when everything up to here is stored, or all that the server had when it was connected. Without it only `signal` ends it. */
  readonly until?: bigint | 'caught-up';
  /** Where the server has removed WAL that was needed: record the gap and begin anew after it, once, rather than fail. */
  readonly restart?: boolean;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Ends it in good order: what was received is stored first. */
  readonly signal: AbortSignal;
}

export interface WalReceiver {
  /** Resolves when `until` is reached or `signal` was given. Throws what another attempt cannot put right. */
  readonly done: Promise<WalReceiverStatus>;
  status(): WalReceiverStatus;
}

const firstPause = 100;
const longestPause = 30_000;
/** Failures in a row after which a run that is meant to end gives up: about half a minute. */
const patience = 9;
/** The same for a slot that somebody else holds: about as long as a server needs to notice that its receiver is gone. */
const slotPatience = 12;

/** No other attempt puts these right. */
// oxfmt-ignore
const lasting: ReadonlySet<ErrorCode> = new Set([
  'wal-diverged', 'wal-different', 'wal-removed', 'wal-slot-lost', 'usage', 'interrupted', 'damaged', 'hostile', 'postgres-url',
  'machine-unreliable', 'storage-key', 'storage-url', 'storage-exists',
]);
/** Nor these, unless it worked before. */
const lastingAtFirst =
  /^(postgres-login|postgres-permission|postgres-database-missing|replication-(role|rules|off|managed|protocol)|storage-denied|docker-)/;

/** Starts receiving. */
export function startWalReceiver(request: ReceiveWalRequest): WalReceiver {
  const ledger = new ReceiverLedger(request.clock);
  const done = receive(request, ledger).finally(() => {
    ledger.state = 'ended';
  });
  return { done: done.then(() => ledger.describe()), status: () => ledger.describe() };
}

/** Receives until `until` is reached or `signal` is given. Throws what another attempt cannot put right. */
export function receiveWal(request: ReceiveWalRequest): Promise<WalReceiverStatus> {
  return startWalReceiver(request).done;
}

async function receive(request: ReceiveWalRequest, ledger: ReceiverLedger): Promise<void> {
  const { signal, events } = request;
  let failures = 0;
  while (!signal.aborted) {
    const before = ledger.shipped;
    try {
      ledger.state = 'connecting';
      const isDone = await runReceiveSession(request, ledger);
      if (isDone) return;
      ledger.problem = 'the server ended the connection';
    } catch (error) {
      if (signal.aborted && !(error instanceof HoldfastError && lasting.has(error.code) && error.code !== 'interrupted')) return;
      const known = toHoldfastError(error);
      if (isLasting(known, error, ledger)) throw error;
      ledger.problem = known.message;
      if (ledger.shipped === before && isExhausted(known, failures + 1, request)) throw error;
    }
    failures = ledger.shipped === before ? failures + 1 : 1;
    ledger.state = 'waiting';
    const pause = Math.min(longestPause, firstPause * 2 ** (failures - 1));
    events({ type: 'notice', message: `receiving WAL: ${ledger.problem}; next attempt in ${pause / 1000} s` });
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

function isLasting(known: HoldfastError, error: unknown, ledger: ReceiverLedger): boolean {
  if (known.code === 'internal') return !isSystemError(error);
  if (lasting.has(known.code)) return true;
  return ledger.connections === 0 && lastingAtFirst.test(known.code);
}

/* ECONNRESET and its kin. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function isExhausted(known: HoldfastError, failures: number, { until }: ReceiveWalRequest): boolean {
  if (isError(known, 'wal-slot-active')) return failures >= slotPatience;
  return until !== undefined && failures >= patience;
}
