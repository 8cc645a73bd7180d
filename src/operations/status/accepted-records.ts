/**
 * Changes of an application's data that somebody said are meant: a sealed object each, below `holdfast/accepted/` of every repository, so that every
 * host that looks at it, and what removes points from it, knows.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { mapConcurrently } from '../../engine/concurrency.ts';
import { openSealedObjects } from '../../engine/objects/sealed-objects.ts';
import type { Repository } from '../../engine/repository.ts';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import type { AnomalySubject } from '../../policy/anomaly.ts';

export interface AcceptedRecord {
  readonly application: string;
  /** Absent where it is about a repository. */
  readonly component?: string;
  /** Of the newest capture that was seen: those before it do not count any more for these changes. */
  readonly at: Date;
  readonly changes: readonly AnomalySubject[];
  /** Of what is not as it was known: the ids. */
  readonly standing?: readonly string[];
  /** When, and who said so. */
  readonly accepted: Date;
  readonly by: { readonly user: string; readonly host: string };
  readonly reason?: string;
}

const folder = 'accepted/';
const readAtOnce = 8;
/** Far more than a person accepts. */
const mostRecords = 10_000;
const largestRecord = 16 * 1024 * 1024;
const text = z.string().max(10_000);
const time = z.iso.datetime().transform((value) => new Date(value));

const recordSchema = z.object({
  format: z.literal(1),
  application: text,
  component: text.optional(),
  at: time,
  changes: z
    .array(
      z
        .object({ metric: z.enum(['bytes', 'files', 'rows', 'seconds', 'entropy', 'churn']), table: text.optional() })
        .transform(({ metric, table }): AnomalySubject => ({ metric, ...(table === undefined ? {} : { table }) })),
    )
    .max(100_000),
  standing: z.array(text).max(1000).optional(),
  accepted: time,
  by: z.object({ user: text, host: text }),
  reason: text.optional(),
});

/** What was accepted for an application. What is damaged accepts nothing, and is a notice. Throws what the storage throws. */
export async function readAccepted(repository: Repository, application: string, events: EventSink): Promise<AcceptedRecord[]> {
  const objects = openSealedObjects(repository);
  const names: string[] = [];
  for await (const { name, size } of objects.list(folder)) {
    if (names.length === mostRecords) throw repository.damaged(`holdfast/${folder}`, `it has more than ${mostRecords} records`);
    if (size <= largestRecord) names.push(name);
  }
  const found: AcceptedRecord[] = [];
  await mapConcurrently(names, readAtOnce, async (name) => {
    try {
      const { body } = await objects.get(name);
      const { format: _, component, standing, reason, ...record } = recordSchema.parse(JSON.parse(body.toString('utf8')));
      const given = {
        ...(component === undefined ? {} : { component }),
        ...(standing === undefined ? {} : { standing }),
        ...(reason === undefined ? {} : { reason }),
      };
      if (record.application === application) found.push({ ...record, ...given });
    } catch (error) {
      if (error instanceof HoldfastError && !isError(error, 'damaged')) throw error;
      events({ type: 'notice', message: `What was accepted in holdfast/${name} cannot be read, and does not count: ${reasonOf(error)}` });
    }
  });
  return found;
}

/** Keeps a record; where it is there already nothing is done. Durable when it resolves. Throws what the storage throws. */
export async function keepAccepted(repository: Repository, record: AcceptedRecord, signal: AbortSignal): Promise<void> {
  const body = Buffer.from(JSON.stringify({ format: 1, ...record }));
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  const name = `${folder}${record.accepted.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${hash}`;
  try {
    await openSealedObjects(repository).put(name, { kind: 'accepted change' }, body, { ifAbsent: true, signal });
  } catch (error) {
    if (!isError(error, 'storage-exists')) throw error;
  }
}

/** What was accepted goes along with the points: whoever has only the copies must not be asked again. Throws what the storages throw. */
export async function copyAccepted(from: Repository, to: Repository, signal: AbortSignal): Promise<void> {
  const [source, target] = [openSealedObjects(from), openSealedObjects(to)];
  const names: string[] = [];
  for await (const { name, size } of source.list(folder)) if (size <= largestRecord && names.length < mostRecords) names.push(name);
  if (names.length === 0) return;
  const known = new Set<string>();
  for await (const { name } of target.list(folder)) known.add(name);
  for (const name of names.filter((each) => !known.has(each))) {
    try {
      const { header, body } = await source.get(name, signal);
      await target.put(name, header, body, { ifAbsent: true, signal });
    } catch (error) {
      // Copied by somebody else meanwhile; or damaged, and then it accepts nothing here either.
      if (!isError(error, 'storage-exists') && !isError(error, 'damaged')) throw error;
    }
  }
}
