/** The audit trail of an opened repository, with what this host remembers of it. */
import { hostname } from 'node:os';
import type { Catalog } from '../../catalog/catalog.ts';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import type { AuditTrail } from '../../observe/audit/append-record.ts';
import { createShortMemory, type HeadMemory } from '../../observe/audit/audit-place.ts';

/** Without a catalog nothing is remembered beyond this run. */
export function openTrail(repository: Repository, catalog: Catalog | undefined): AuditTrail {
  return {
    objects: openSealedObjects(repository),
    memory: catalog === undefined ? createShortMemory() : memoryIn(catalog, trailKey(repository)),
    repository: repository.config.id,
    host: hostname(),
  };
}

/** A copy of a repository that was made with other programs has its id, and goes its own way: the place is part of the key. */
export function trailKey({ config, location }: Repository): string {
  return `${config.id} ${location}`;
}

function memoryIn({ auditHeads }: Catalog, key: string): HeadMemory {
  return {
    get: (chain) => auditHeads.get(key, chain),
    all: () => auditHeads.all(key),
    note: (chain, head, options) => auditHeads.note(key, chain, head, options),
  };
}
