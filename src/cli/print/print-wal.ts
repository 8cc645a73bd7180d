/** How receivers and stored logs are told, as text and as JSON. */
import type { ClusterStatus, ServerStatus, TimelineStatus, WalStatus } from '../../operations/wal/wal-status.ts';
import { formatLsn } from '../../util/lsn.ts';
import type { WalReceiverStatus } from '../../wal/receiver-status.ts';
import { formatCount, formatMoment, formatSeconds, formatSize } from './quantities.ts';
import { formatTable, printable } from './table.ts';

export function recordOfReceiver(status: WalReceiverStatus): object {
  const { systemId, timeline, received, shipped, serverEnd, lagBytes, lagMs, newestMoment, reconnects, segments, parts, bytes } = status;
  return {
    message_type: 'summary',
    system_id: systemId,
    timeline,
    received: received === undefined ? undefined : formatLsn(received),
    stored: shipped === undefined ? undefined : formatLsn(shipped),
    server: serverEnd === undefined ? undefined : formatLsn(serverEnd),
    lag_bytes: lagBytes,
    lag_ms: lagMs,
    newest: newestMoment?.toISOString(),
    reconnects,
    segments,
    parts,
    bytes,
  };
}

export function textOfReceiver({ shipped, newestMoment, segments, parts, bytes, reconnects }: WalReceiverStatus): string {
  const what = `${formatSize(bytes)} received, ${formatCount(segments, 'segment')} and ${formatCount(parts, 'part')} stored`;
  const upTo = shipped === undefined ? '' : `, up to ${formatLsn(shipped)}`;
  const moment = newestMoment === undefined ? '' : ` (${formatMoment(newestMoment)})`;
  return `${what}${upTo}${moment}${reconnects > 0 ? `; ${formatCount(reconnects, 'reconnection')}` : ''}`;
}

/** Whether something is missing, or will be. */
export function isTroubled({ clusters, server }: WalStatus): boolean {
  const hasGap = clusters.some(({ timelines }) => timelines.some(({ gaps }) => gaps.length > 0));
  return hasGap || (server?.reachable === true && server.slot?.lost === true);
}

export function recordOfStatus({ clusters, server }: WalStatus): object {
  return {
    message_type: 'wal_status',
    clusters: clusters.map(({ systemId, timelines }) => ({ system_id: systemId, timelines: timelines.map(recordOfTimeline) })),
    server: server === undefined ? undefined : recordOfServer(server),
  };
}

function recordOfTimeline({
  timeline,
  parent,
  ranges,
  newest,
  beganAt,
  segmentSize,
  segments,
  parts,
  storedBytes,
  gaps,
}: TimelineStatus): object {
  return {
    timeline,
    parent: parent === undefined ? undefined : { timeline: parent.timeline, switch_point: formatLsn(parent.switchPoint) },
    began: beganAt?.toISOString(),
    newest: newest?.at?.toISOString(),
    newest_lsn: newest === undefined ? undefined : formatLsn(newest.lsn),
    last_commit: newest?.lastCommit?.at.toISOString(),
    ranges: ranges.map(({ start, end }) => ({ start: formatLsn(start), end: formatLsn(end) })),
    gaps: gaps.map(({ from, to, recorded }) => ({
      from: formatLsn(from),
      to: formatLsn(to),
      found: recorded?.at.toISOString(),
      reason: recorded?.reason,
    })),
    segment_size: segmentSize,
    segments,
    parts,
    stored_bytes: storedBytes,
  };
}

function recordOfServer(server: ServerStatus): object {
  if (!server.reachable) return { reachable: false, reason: server.reason };
  const { systemId, timeline, position, lagBytes, slot, idleSlots, walSize } = server;
  const describe = ({ name, active, restart, retained, lost }: NonNullable<typeof slot>): object => ({
    name,
    active,
    restart: restart === undefined ? undefined : formatLsn(restart),
    retained_bytes: retained,
    lost,
  });
  return {
    reachable: true,
    system_id: systemId,
    timeline,
    position: formatLsn(position),
    lag_bytes: lagBytes,
    slot: slot === undefined ? undefined : describe(slot),
    idle_slots: idleSlots.map(describe),
    pg_wal_bytes: walSize,
  };
}

export function textOfStatus({ clusters, server }: WalStatus, now: Date): string {
  const stored = clusters.length === 0 ? ['no write-ahead log is stored'] : clusters.map((cluster) => textOfCluster(cluster, now));
  return [...stored, ...(server === undefined ? [] : linesOfServer(server))].join('\n');
}

function textOfCluster({ systemId, timelines }: ClusterStatus, now: Date): string {
  const table = formatTable(
    ['>timeline', 'from', 'up to', 'newest moment', 'age', '>segments', '>parts', '>stored'],
    timelines.map(({ timeline, ranges, newest, segments, parts, storedBytes }) => [
      String(timeline),
      ranges[0] === undefined ? '' : formatLsn(ranges[0].start),
      newest === undefined ? '' : formatLsn(newest.lsn),
      newest?.at === undefined ? '' : formatMoment(newest.at),
      newest?.at === undefined ? '' : formatSeconds(Math.max(0, (now.getTime() - newest.at.getTime()) / 1000)),
      String(segments),
      String(parts),
      formatSize(storedBytes),
    ]),
  );
  const notes = timelines.flatMap(({ timeline, parent, gaps }) => [
    ...(parent === undefined ? [] : [`timeline ${timeline} left timeline ${parent.timeline} at ${formatLsn(parent.switchPoint)}`]),
    ...gaps.map(
      ({ from, to, recorded }) =>
        `GAP on timeline ${timeline}: ${formatLsn(from)} to ${formatLsn(to)} is missing${recorded === undefined ? '' : ` (${printable(recorded.reason)})`}; what is before it and a base backup after it are still good`,
    ),
  ]);
  return [`cluster ${systemId}`, table, ...notes].join('\n');
}

function linesOfServer(server: ServerStatus): string[] {
  if (!server.reachable) return [`the server cannot be asked: ${printable(server.reason)}`];
  const { timeline, position, lagBytes, slot, idleSlots, walSize } = server;
  const lag = lagBytes === undefined ? 'nothing of it is stored' : `${formatSize(lagBytes)} of it are not stored`;
  return [
    `server: timeline ${timeline}, ${formatLsn(position)}; ${lag}${walSize === undefined ? '' : `; pg_wal has ${formatSize(walSize)}`}`,
    ...(slot === undefined ? ['slot: there is none: holdfast wal stream creates it'] : [textOfSlot('slot', slot)]),
    ...idleSlots.map((idle) => `${textOfSlot('another slot', idle)}: it fills the disk of the server if nobody comes back for it`),
  ];
}

function textOfSlot(
  what: string,
  { name, active, retained, lost }: { readonly name: string; readonly active: boolean; readonly retained?: number; readonly lost: boolean },
): string {
  const state = lost ? 'LOST: the server has removed WAL that it needed' : active ? 'in use' : 'not in use';
  return `${what} "${printable(name)}": ${state}${retained === undefined ? '' : `; it keeps ${formatSize(retained)}`}`;
}
