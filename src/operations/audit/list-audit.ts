import type { Catalog } from '../../catalog/catalog.ts';
import type { Repository } from '../../engine/repository.ts';
import type { AuditRecord } from '../../observe/audit/audit-record.ts';
import { listTrail, readRecords } from '../../observe/audit/read-trail.ts';
import { openTrail } from './repository-trail.ts';

export interface AuditFilter {
  readonly event?: string;
  readonly user?: string;
  readonly host?: string;
  readonly since?: Date;
  /** The newest so many. */
  readonly limit: number;
}

export interface ListedAudit {
  /** By time as the hosts say it, the oldest first. */
  readonly records: readonly AuditRecord[];
  /** Records that cannot be read. */
  readonly unreadable: number;
}

/** Records of a repository that fit. Without a filter only as much is read as is shown. Throws what the storage throws. */
export async function listAudit(repository: Repository, catalog: Catalog | undefined, filter: AuditFilter): Promise<ListedAudit> {
  const { objects } = openTrail(repository, catalog);
  const isFiltered = [filter.event, filter.user, filter.host, filter.since].some((each) => each !== undefined);
  const { chains } = await listTrail(objects);
  let records: AuditRecord[] = [];
  let unreadable = 0;
  for (const [chain, numbers] of chains) {
    const wanted = isFiltered ? numbers : numbers.slice(-filter.limit);
    for await (const { record } of readRecords(objects, chain, wanted)) {
      if (record === undefined) unreadable += 1;
      else if (fits(record, filter)) records.push(record);
      if (records.length > 4 * filter.limit + 1000) records = newest(records, filter.limit);
    }
  }
  return { records: newest(records, filter.limit), unreadable };
}

function fits({ event, by, at }: AuditRecord, filter: AuditFilter): boolean {
  if (filter.event !== undefined && event !== filter.event) return false;
  if (filter.user !== undefined && ![by.user, by.sudo, by.token].includes(filter.user)) return false;
  if (filter.host !== undefined && by.host !== filter.host) return false;
  return filter.since === undefined || at >= filter.since;
}

/** Sorting keeps the order of a chain where its times are the same. */
function newest(records: readonly AuditRecord[], limit: number): AuditRecord[] {
  return records.toSorted((a, b) => a.at.getTime() - b.at.getTime()).slice(-limit);
}
