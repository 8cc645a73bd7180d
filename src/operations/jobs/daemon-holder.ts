/** Which daemon works for a configuration, and what it notes, under the names that the catalog has for it. */
import { hostname } from 'node:os';
import type { Catalog } from '../../catalog/catalog.ts';
import { readProcessStartNow } from '../../util/process-start.ts';

/** The lease that a daemon holds while it works. */
export function daemonLeaseOf(configurationFile: string): string {
  return `daemon:${configurationFile}`;
}

/** Under which the daemon notes when a job was due: several applications share the catalog of a host. */
export function scheduleKeyOf(configurationFile: string, jobId: string): string {
  return `${configurationFile}#${jobId}`;
}

/** This process, as it stands in a lease. */
export function describeOwnHolder(): string {
  return `${hostname()} process ${process.pid} ${readProcessStartNow(process.pid)}`;
}

/** Of another host nothing is known: it counts as alive until its lease has run out. */
export function isHolderAlive(holder: string): boolean {
  const [, host, pid, start] = /^(.*) process (\d+) (\S+)$/.exec(holder) ?? [];
  return host !== hostname() || readProcessStartNow(Number(pid)) === start;
}

/** For people: `web1 process 4711`. */
export function sayHolder(holder: string): string {
  return holder.replace(/ \S*$/, '');
}

/** For people, the daemon that works now; undefined where none does. Throws what the catalog throws. */
export function findDaemon(catalog: Catalog, configurationFile: string): string | undefined {
  const holder = catalog.leases.holder(daemonLeaseOf(configurationFile));
  return holder !== undefined && isHolderAlive(holder) ? sayHolder(holder) : undefined;
}
