/** One connection to the server, from finding out where to go on to the last byte stored. */
import { HoldfastError, isError } from '../errors.ts';
import { chooseStart, keepHistory, readServerState, startOfSegment, type ServerState, type StreamStart } from './choose-start.ts';
import { formatLsn } from '../util/lsn.ts';
import type { ReceiveWalRequest } from './receive-wal.ts';
import type { ReceiverLedger } from './receiver-ledger.ts';
import { reserveSlot, beginAnew } from './reserve-slot.ts';
import { streamTimeline, type StreamEnd } from './stream-timeline.ts';
import type { WalArchive } from './wal-archive.ts';
import type { WalFeed } from './wal-feed.ts';

/** What the steps of a session share. */
export interface ReceiveSession {
  readonly request: ReceiveWalRequest;
  readonly ledger: ReceiverLedger;
  readonly feed: WalFeed;
  readonly archive: WalArchive;
  readonly server: ServerState;
}

/** True when `until` is reached or the signal came; false when the server ended the connection in good order. Throws when it broke. */
export async function runReceiveSession(request: ReceiveWalRequest, ledger: ReceiverLedger): Promise<boolean> {
  const feed = await request.feed();
  try {
    const { archive, ...server } = await readServerState(feed, request.archive);
    if (ledger.systemId !== undefined && ledger.systemId !== server.systemId)
      throw new HoldfastError('wal-diverged', {
        reason: `it is the cluster ${server.systemId}, and what was streamed before came from ${ledger.systemId}`,
      });
    ledger.systemId = server.systemId;
    const session = { request, ledger, feed, archive, server };
    const reservedFrom = await reserveSlot(session);
    const start = await chooseStart(archive, server, reservedFrom);
    ledger.connections += 1;
    for (const message of start.notices) request.events({ type: 'notice', message });
    await removeLeftovers(archive, start.timeline);
    return await streamOn(session, start);
  } finally {
    await feed.close();
  }
}

/** Streams timeline after timeline. */
async function streamOn(session: ReceiveSession, first: StreamStart): Promise<boolean> {
  const { request, feed, archive, server, ledger } = session;
  const until = request.until === 'caught-up' ? server.position : request.until;
  let start = first;
  for (;;) {
    ledger.timeline = start.timeline;
    const end = await streamOrBeginAnew(session, start, start.timeline === server.timeline ? until : undefined);
    if (end.reason === 'done') return true;
    if (end.reason === 'closed') return false;
    if (end.reason === 'anew') {
      start = end.start;
      continue;
    }
    await keepHistory(feed, archive, end.timeline);
    request.events({ type: 'notice', message: `timeline ${end.timeline} began at ${formatLsn(end.switchPoint)}` });
    start = { timeline: end.timeline, at: startOfSegment(end.switchPoint, server.segmentSize), notices: [] };
  }
}

/** Where the server has removed what is needed, and that is allowed: records the gap, and says from where there is WAL again. */
async function streamOrBeginAnew(
  session: ReceiveSession,
  start: StreamStart,
  until: bigint | undefined,
): Promise<StreamEnd | { readonly reason: 'anew'; readonly start: StreamStart }> {
  try {
    return await streamTimeline(session, start, until);
  } catch (error) {
    const isGone = isError(error, 'wal-removed') || isError(error, 'wal-slot-lost');
    if (!isGone || session.request.restart !== true) throw error;
    return { reason: 'anew', start: await beginAnew(session, start) };
  }
}

/** Parts of segments that are stored whole: a receiver died before it removed them. */
async function removeLeftovers(archive: WalArchive, timeline: number): Promise<void> {
  const { whole, parts } = await archive.contents(timeline);
  const complete = new Set(whole.map(({ name }) => name));
  for (const [name, list] of parts) if (complete.has(name)) await archive.removeParts(name, list);
}
