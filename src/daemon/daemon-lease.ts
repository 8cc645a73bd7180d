/** One daemon for one configuration: a lease in the catalog, which a daemon that is gone does not keep. */
import type { Catalog } from '../catalog/catalog.ts';
import { HoldfastError } from '../errors.ts';
import { daemonLeaseOf, describeOwnHolder, isHolderAlive, sayHolder } from '../operations/jobs/daemon-holder.ts';

export interface DaemonLease {
  /** Holds it for longer. Throws `daemon-running` where another has it now, and what the catalog throws. */
  renew(): void;
  release(): void;
}

/** Longer than the scheduler sleeps, several times over. */
const leaseMs = 3 * 60_000;

/** Throws `daemon-running`. */
export function takeLease(catalog: Catalog, configuration: string): DaemonLease {
  const name = daemonLeaseOf(configuration);
  const holder = describeOwnHolder();
  const renew = (): void => {
    if (catalog.leases.take(name, holder, leaseMs)) return;
    const other = catalog.leases.holder(name);
    if (other !== undefined && isHolderAlive(other))
      throw new HoldfastError('daemon-running', { file: configuration, holder: sayHolder(other) });
    if (other !== undefined) catalog.leases.release(name, other);
    if (!catalog.leases.take(name, holder, leaseMs)) throw new HoldfastError('daemon-running', { file: configuration, holder: 'just now' });
  };
  renew();
  return { renew, release: () => catalog.leases.release(name, holder) };
}
