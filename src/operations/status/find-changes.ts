/** What is not as this host knew it. It looks at what the catalog remembers, and remembers what it sees. */
import { hostname } from 'node:os';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { Repository } from '../../engine/repository.ts';
import type { AuditRecord } from '../../observe/audit/audit-record.ts';
import { listTrail, readRecords } from '../../observe/audit/read-trail.ts';
import type { ApplicationContext } from '../application/application-tools.ts';
import { openTrail } from '../audit/repository-trail.ts';
import { applicationOf, loadPoints } from '../points.ts';
import { findDropped } from './dropped-components.ts';
import { findEmptied } from './emptied-files.ts';
import { changesOf, findGone, remember, repositoryMemorySchema, toldForMs, type RepositoryMemory } from './repository-memory.ts';
import type { StandingChange } from './standing-change.ts';
import type { RepositoryFacts } from './status-facts.ts';

/** Kinds of runs after which snapshots may be gone. */
const deleting = new Set(['prune', 'forget', 'repository']);
const mostRuns = 1000;
/** The clock of another host may be behind this one's. */
const skewMs = 3_600_000;
/** Of each host the newest records are looked through for deletions. */
const mostRecords = 100;

/** Of the configuration. Throws what the catalog throws. */
export function findConfigurationChanges(configuration: Configuration, catalog: Catalog, now: Date): readonly StandingChange[] {
  const since = new Date(now.getTime() - toldForMs);
  return findDropped(configuration, catalog.runs({ kind: 'backup', configuration: configuration.file, since, limit: mostRuns }), now);
}

/** Of a repository that is open. Throws what the storage and the catalog throw. */
export async function findRepositoryChanges(
  repository: Repository,
  facts: RepositoryFacts,
  { application, components, file }: Configuration,
  catalog: Catalog,
  { clock, signal }: ApplicationContext,
): Promise<readonly StandingChange[]> {
  const key = keyOf(file, facts.name);
  const before = readMemory(catalog.notes.get(key));
  const points = (await loadPoints(repository)).filter((point) => applicationOf(point) === application);
  const times = points.flatMap((point) =>
    point.components.map(({ snapshot }) => Date.parse(snapshot.summary?.backup_start ?? snapshot.time)),
  );
  const reach = Object.fromEntries(
    facts.components.flatMap(({ name, captures, restorable }) =>
      restorable === undefined || captures.at(-1)?.isBase !== true ? [] : [[name, restorable.getTime()]],
    ),
  );
  const seen = { name: facts.name, id: repository.config.id, captures: [...new Set(times)].toSorted((a, b) => a - b), reach };
  const isMeant =
    before !== undefined && findGone(before, seen).length > 0 && (await wasPruned(repository, catalog, sinceOf(before, clock.now())));
  const memory = remember(before, seen, clock.now(), isMeant);
  catalog.notes.set(key, JSON.stringify(memory));
  const emptied: StandingChange[] = [];
  for (const { name, captures } of facts.components)
    if (components.some((component) => component.name === name && component.source.kind === 'config'))
      emptied.push(...(await findEmptied(repository, name, captures, signal)));
  return [...changesOf(memory, facts.name), ...emptied];
}

/** Of a repository that cannot be opened now: what was found before stays so. Throws what the catalog throws. */
export function recallRepositoryChanges(name: string, { file }: Configuration, catalog: Catalog): readonly StandingChange[] {
  const memory = readMemory(catalog.notes.get(keyOf(file, name)));
  return memory === undefined ? [] : changesOf(memory, name);
}

/** A clock that was ahead when it was remembered says nothing about since when. */
function sinceOf({ at }: RepositoryMemory, now: Date): Date {
  const since = new Date(at);
  return since <= now ? since : new Date(now.getTime() - toldForMs);
}

function keyOf(file: string, name: string): string {
  return `repository:${file}:${name}`;
}

function readMemory(text: string | undefined): RepositoryMemory | undefined {
  if (text === undefined) return undefined;
  try {
    return repositoryMemorySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** By this host, or by another one that says so in the audit trail. */
async function wasPruned(repository: Repository, catalog: Catalog, since: Date): Promise<boolean> {
  const isAfter = ({ ended }: { readonly ended?: Date | undefined }): boolean => ended === undefined || ended >= since;
  if (catalog.runs({ limit: mostRuns }).some((run) => deleting.has(run.kind) && isAfter(run))) return true;
  const { objects } = openTrail(repository, catalog);
  const { chains } = await listTrail(objects);
  for (const [chain, numbers] of chains)
    for await (const { record } of readRecords(objects, chain, numbers.slice(-mostRecords)))
      if (record !== undefined && deleting.has(record.event) && record.at.getTime() >= since.getTime() - skewOf(record)) return true;
  return false;
}

function skewOf({ by }: AuditRecord): number {
  return by.host === hostname() ? 0 : skewMs;
}
