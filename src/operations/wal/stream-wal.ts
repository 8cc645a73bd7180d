/** Receives a server's WAL into a repository. */
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { RunContext } from '../../engine/run-context.ts';
import type { Clock } from '../../util/clock.ts';
import { openWalArchive } from '../../wal/open-wal-archive.ts';
import { startWalReceiver, type WalReceiver } from '../../wal/receive-wal.ts';
import { openWalFeed, type WalServer } from './wal-server.ts';

export interface StreamWalRequest {
  readonly server: WalServer;
  /** Created where there is none. The receiver names itself `holdfast_<slot>` to the server. */
  readonly slot: string;
  readonly flushMs: number;
  readonly synchronous: boolean;
  readonly until?: bigint | 'caught-up';
  /** Go on after a gap where the server has removed WAL that was needed. */
  readonly restart?: boolean;
  readonly clock: Clock;
}

/** Starts. It ends by the context's signal (in good order), at `until`, or with what another attempt cannot put right. */
export function streamWal(repository: Repository, { server, ...request }: StreamWalRequest, { events, signal }: RunContext): WalReceiver {
  const objects = openSealedObjects(repository);
  return startWalReceiver({
    ...request,
    feed: () => openWalFeed(server, { applicationName: applicationNameOf(request.slot), events, signal }),
    archive: (systemId) => openWalArchive(objects, systemId),
    events,
    signal,
  });
}

/** What `synchronous_standby_names` must list. At most 63 bytes, as PostgreSQL's names. */
export function applicationNameOf(slot: string): string {
  return `holdfast_${slot}`.slice(0, 63);
}
