/** Streams one timeline, beginning exactly where what is stored of it ends. */
import { HoldfastError, isError } from '../errors.ts';
import { CommitScanner } from './commit-scanner.ts';
import { startOfSegment, type StreamStart } from './choose-start.ts';
import { formatLsn } from '../util/lsn.ts';
import { OpenSegment } from './open-segment.ts';
import { contiguousParts } from './part-arithmetic.ts';
import type { ReceiveSession } from './receive-session.ts';
import { segmentNumberAt } from './segment-name.ts';
import { SegmentIntake, type FillingSegment } from './segment-intake.ts';

export type StreamEnd =
  /** What was wanted is stored, or the signal came. */
  | { readonly reason: 'done' }
  /** The server ended the connection. */
  | { readonly reason: 'closed' }
  /** The timeline ended. */
  | { readonly reason: 'switched'; readonly timeline: number; readonly switchPoint: bigint };

/** Throws when the connection broke, when something could not be stored, and `wal-diverged`. What was received is stored before it throws. */
export async function streamTimeline(session: ReceiveSession, start: StreamStart, until: bigint | undefined): Promise<StreamEnd> {
  const { request, ledger, feed } = session;
  const { timeline } = start;
  const { from, filling } = await resumeSegment(session, start);
  const stop = new AbortController();
  const stream = await feed.stream({ slot: request.slot, start: from, timeline, signal: AbortSignal.any([request.signal, stop.signal]) });
  ledger.state = 'streaming';
  ledger.problem = undefined;
  const intake = new SegmentIntake(session, { stream, timeline, filling, until, stop });
  const isSwitched = await intake.run();
  if (!isSwitched) return { reason: 'done' };
  const next = await stream.next;
  if (next === undefined) return { reason: 'closed' };
  if (intake.received !== next.switchPoint)
    throw new HoldfastError('replication-protocol', {
      server: 'the server',
      reason: `timeline ${timeline} ended at ${formatLsn(next.switchPoint)}, and WAL up to ${formatLsn(intake.received)} came`,
    });
  return { reason: 'switched', ...next };
}

/** Before the end of what is stored, this much is streamed again and compared: another history of the same server would differ in it. */
const overlap = 8192;

/** Takes over what is stored of the segment in which streaming goes on. */
async function resumeSegment(
  session: ReceiveSession,
  start: StreamStart,
): Promise<{ readonly from: bigint; readonly filling: FillingSegment }> {
  const { archive, server, request } = session;
  const begin = startOfSegment(start.at, server.segmentSize);
  const filling = fillFrom(session, start.timeline, begin);
  const { segment } = filling;
  const parts = (await archive.contents(start.timeline)).parts.get(segment.name) ?? [];
  segment.parts = [...parts];
  if (start.at === begin || parts.length === 0) return { from: begin, filling };
  try {
    const stored = await archive.readSegment(segment.name);
    const content = stored.content.subarray(0, stored.filled);
    const { sentFrom } = await archive.header(segment.name, contiguousParts(parts).used[0]);
    filling.scanner.feed(begin, content);
    segment.resume(content, sentFrom);
    const back = Math.max(0, stored.filled - overlap);
    return { from: begin + BigInt(back - (back % overlap)), filling };
  } catch (error) {
    if (!(isError(error, 'damaged') || isError(error, 'wal-missing') || isError(error, 'storage-missing'))) throw error;
    // The server still has all of it: its slot reserves whole segments.
    request.events({ type: 'notice', message: `${error.message} It is received again.` });
    const anew = fillFrom(session, start.timeline, begin);
    anew.segment.parts = [...parts];
    return { from: begin, filling: anew };
  }
}

function fillFrom({ server }: ReceiveSession, timeline: number, from: bigint): FillingSegment {
  const { segmentSize } = server;
  const segment = new OpenSegment({ timeline, number: segmentNumberAt(from, segmentSize) }, segmentSize);
  const filling: FillingSegment = { segment, scanner: new CommitScanner((mark) => filling.segment.markCommit(mark)) };
  return filling;
}
