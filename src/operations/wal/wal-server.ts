/** The server that WAL comes from. */
import type { EventSink } from '../../events.ts';
import type { WalFeed } from '../../wal/wal-feed.ts';
import type { ReplicatedServer } from '../physical/replicated-server.ts';

export type WalServer = Pick<ReplicatedServer, 'server' | 'connect'>;

/** Connects. `applicationName` is what `synchronous_standby_names` and pg_stat_replication know it by. */
export async function openWalFeed(
  { server, connect }: WalServer,
  options: { readonly applicationName: string; readonly events: EventSink; readonly signal: AbortSignal },
): Promise<WalFeed> {
  const { createWalFeed } = await import('../../sources/postgres/replication/wal-feed.ts');
  return createWalFeed({ connect: () => connect(options), openSession: () => server.openSession() });
}
