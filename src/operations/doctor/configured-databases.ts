/** The databases of a configuration, each with what is done with it. */
import type { ApplicationTools } from '../application/application-tools.ts';
import { openReplicatedServer } from '../physical/replicated-server.ts';
import { findConfiguredWal } from '../wal/configured-wal.ts';
import { applicationNameOf } from '../wal/stream-wal.ts';
import type { ExaminedDatabase } from './look-at-component.ts';

export function configuredDatabases(tools: ApplicationTools): ExaminedDatabase[] {
  const { configuration, context } = tools;
  return configuration.components.flatMap(({ name, source }): ExaminedDatabase[] => {
    if (source.kind === 'postgres') {
      const spools = source.format === 'directory';
      return [{ component: name, dumps: true, spools, open: () => openReplicatedServer(tools, source.at) }];
    }
    if (source.kind !== 'postgres-base') return [];
    const { slot } = findConfiguredWal(configuration, name, context);
    const replication = { slot, ...(source.wal.synchronous ? { synchronous: applicationNameOf(slot) } : {}) };
    return [{ component: name, dumps: false, spools: false, open: () => openReplicatedServer(tools, source.at), replication }];
  });
}
