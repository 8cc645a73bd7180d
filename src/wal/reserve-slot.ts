/** The replication slot: makes the server keep WAL until the repository has it. */
import { HoldfastError } from '../errors.ts';
import { beginning, type StreamStart } from './choose-start.ts';
import { formatLsn } from '../util/lsn.ts';
import type { ReceiveSession } from './receive-session.ts';
import { switchFrom } from './timeline-history.ts';

/** Makes sure that there is a slot that reserves WAL. Returns from where on it does. Throws `wal-slot-lost`. */
export async function reserveSlot({ request, feed, archive }: ReceiveSession): Promise<bigint | undefined> {
  const { slot, restart, events } = request;
  const found = await feed.readSlot(slot);
  if (found !== undefined && !found.lost) return found.restart;
  if (found?.lost === true) {
    if (restart !== true) throw new HoldfastError('wal-slot-lost', { slot });
    await feed.dropSlot(slot);
  }
  await feed.createSlot(slot);
  const isFirst = (await archive.segmentSize()) === undefined;
  events({ type: 'notice', message: `created the replication slot "${slot}"${isFirst ? '' : '; the one used before was gone'}` });
  return (await feed.readSlot(slot))?.restart;
}

/** Records what is missing for good, and says where there is WAL again. */
export async function beginAnew({ request, feed, archive, server, ledger }: ReceiveSession, start: StreamStart): Promise<StreamStart> {
  const { slot, clock, events } = request;
  const { timeline } = start;
  const missingFrom = ledger.received !== undefined && ledger.received > start.at ? ledger.received : start.at;
  await feed.dropSlot(slot);
  await feed.createSlot(slot);
  const anew = beginning(server, (await feed.readSlot(slot))?.restart);
  const left = timeline === anew.timeline ? undefined : switchFrom(server.history, timeline);
  const to = typeof left === 'bigint' ? left : anew.at;
  if (to > missingFrom) await archive.putGap({ timeline, from: missingFrom, to, at: clock.now(), reason: 'the server had removed it' });
  events({
    type: 'notice',
    message: `WAL from ${formatLsn(missingFrom)} to ${formatLsn(anew.at)} is missing for good: make a base backup now`,
  });
  return anew;
}
