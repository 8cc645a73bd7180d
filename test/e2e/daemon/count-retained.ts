/** How much a daemon keeps: in its scheduler, looked up from outside, and in the catalog. */
import { Session } from 'node:inspector/promises';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { SimulatedHost } from './simulated-host.ts';

/** Numbers of entries, by what keeps them. */
export type Retained = Readonly<Record<string, number>>;

export async function countRetained(host: SimulatedHost): Promise<Retained> {
  return { timers: host.time.pending, ...(await countEntries(host.core.scheduler)), ...countRows(host.catalogFile) };
}

/** What does not belong to it, and the run that is under way. */
const others = ['#parts', '#active'];
const field = z.object({
  name: z.string(),
  value: z.object({ objectId: z.string().optional(), description: z.string().optional(), subtype: z.string().optional() }).optional(),
});
const properties = z.object({ result: z.array(field), privateProperties: z.array(field).default([]) });

/** Of every map, set and list among the fields of an object, private ones too, and of the objects in its fields. */
async function countEntries(owner: object): Promise<Retained> {
  const session = new Session();
  session.connect();
  try {
    Object.assign(globalThis, { lookedAt: owner });
    const { result } = await session.post('Runtime.evaluate', { expression: 'globalThis.lookedAt' });
    return Object.fromEntries(await fieldsOf(session, result.objectId ?? '', 2));
  } finally {
    Object.assign(globalThis, { lookedAt: undefined });
    session.disconnect();
  }
}

async function fieldsOf(session: Session, objectId: string, depth: number): Promise<[string, number][]> {
  const answer: unknown = await session.post('Runtime.getProperties', { objectId, ownProperties: true });
  const { result, privateProperties } = properties.parse(answer);
  const found: [string, number][] = [];
  for (const { name, value } of [...result, ...privateProperties]) {
    if (value?.objectId === undefined || name === '__proto__') continue;
    const [, size] = /^(?:Map|Set|Array)\((\d+)\)$/.exec(value.description ?? '') ?? [];
    if (size !== undefined) found.push([name, Number(size)]);
    else if (depth > 0 && value.subtype === undefined && !others.includes(name))
      found.push(...(await fieldsOf(session, value.objectId, depth - 1)));
  }
  return found;
}

function countRows(file: string): Retained {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'").all();
    return Object.fromEntries(
      tables.map(({ name }) => [
        `rows of ${String(name)}`,
        Number(database.prepare(`SELECT count(*) AS n FROM "${String(name)}"`).get()?.['n']),
      ]),
    );
  } finally {
    database.close();
  }
}
