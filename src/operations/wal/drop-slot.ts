import type { RunContext } from '../../engine/run-context.ts';
import { openWalFeed, type WalServer } from './wal-server.ts';

/** Removes a replication slot, so that the server frees the WAL that it kept for it. False where there was none. Throws `wal-slot-active`. */
export async function dropWalSlot(server: WalServer, slot: string, context: RunContext): Promise<boolean> {
  const feed = await openWalFeed(server, { applicationName: 'holdfast_drop_slot', ...context });
  try {
    if ((await feed.readSlot(slot)) === undefined) return false;
    await feed.dropSlot(slot);
    return true;
  } finally {
    await feed.close();
  }
}
