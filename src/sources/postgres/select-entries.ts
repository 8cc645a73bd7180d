/** Chooses the entries of an archive that make up some tables or schemas. `pg_restore --table` would leave out their indexes and constraints. */
import pg from 'pg';
import { HoldfastError } from '../../errors.ts';
import type { ArchiveEntry } from './archive/archive-toc.ts';

export interface EntrySelection {
  /** In the archive's order, as pg_restore needs them. */
  readonly ids: readonly number[];
  /** Tables whose rows are among them. */
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  /** The relations that would be created. */
  readonly relations: readonly { readonly schema: string; readonly name: string }[];
  /** Foreign keys left out because the other table is not chosen: `orders orders_customer_fkey`. */
  readonly foreignKeysLeftOut: readonly string[];
}

const relationKinds = new Set(['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE']);

/** What belongs to a relation when it depends on it and on no relation outside the selection. */
const belongingKinds = new Set([
  'TABLE DATA',
  'MATERIALIZED VIEW DATA',
  'DEFAULT',
  'CONSTRAINT',
  'CHECK CONSTRAINT',
  'FK CONSTRAINT',
  'INDEX',
  'INDEX ATTACH',
  'TABLE ATTACH',
  'TRIGGER',
  'POLICY',
  'ROW SECURITY',
  'RULE',
  'ACL',
  'COMMENT',
  'SECURITY LABEL',
  'STATISTICS',
  'STATISTICS DATA',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'SEQUENCE SET',
]);

/** What belongs to a schema itself. */
const schemaKinds = new Set(['ACL', 'COMMENT', 'SECURITY LABEL']);

/** What a new database lacks besides. */
const groundKinds = new Set([
  'SCHEMA',
  'EXTENSION',
  'TYPE',
  'SHELL TYPE',
  'DOMAIN',
  'FUNCTION',
  'AGGREGATE',
  'COLLATION',
  'SEQUENCE',
  'OPERATOR',
  'OPERATOR CLASS',
  'OPERATOR FAMILY',
  'CAST',
  'ACCESS METHOD',
  'PROCEDURE',
  'PROCEDURAL LANGUAGE',
  'CONVERSION',
  'FOREIGN DATA WRAPPER',
  'SERVER',
  'TEXT SEARCH PARSER',
  'TEXT SEARCH TEMPLATE',
  'TEXT SEARCH DICTIONARY',
  'TEXT SEARCH CONFIGURATION',
]);

/** Throws `postgres-capture-missing` when a name fits no relation, or several and none of them in `public`. */
export function selectTables(
  entries: readonly ArchiveEntry[],
  names: readonly string[],
  options: { readonly withGround: boolean },
): EntrySelection {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const chosen = new Set(names.map((name) => findRelation(entries, name).id));
  addBelonging(entries, byId, chosen);
  if (options.withGround) addGround(entries, byId, chosen);
  return describeSelection(entries, byId, chosen);
}

/** All that is in the schemas, but for foreign keys to tables elsewhere. Throws `postgres-capture-missing` when a schema is not there. */
export function selectSchemas(
  entries: readonly ArchiveEntry[],
  names: readonly string[],
  options: { readonly withGround: boolean },
): EntrySelection {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  for (const name of names) {
    if (entries.some(({ kind, schema, tag }) => schema === name || (kind === 'SCHEMA' && tag === name))) continue;
    throw new HoldfastError('postgres-capture-missing', { reason: `this point holds no schema "${name}"` });
  }
  const wanted = new Set(names);
  const schemaIds = new Set(entries.filter(({ kind, tag }) => kind === 'SCHEMA' && wanted.has(tag)).map(({ id }) => id));
  const chosen = new Set(
    entries
      .filter((entry) => wanted.has(entry.schema) && !entry.kind.startsWith('PUBLICATION'))
      .map(({ id }) => id)
      .concat([...schemaIds]),
  );
  for (const { id, kind, dependsOn } of entries)
    if (schemaKinds.has(kind) && dependsOn.some((needed) => schemaIds.has(needed))) chosen.add(id);
  for (const { id, kind, dependsOn } of entries)
    if (kind === 'FK CONSTRAINT' && dependsOn.some((needed) => isRelation(byId.get(needed)) && !chosen.has(needed))) chosen.delete(id);
  if (options.withGround) addGround(entries, byId, chosen);
  return describeSelection(entries, byId, chosen);
}

/** Everything, as a selection. */
export function selectAll(entries: readonly ArchiveEntry[]): EntrySelection {
  return describeSelection(entries, new Map(), new Set(entries.map(({ id }) => id)));
}

function describeSelection(
  entries: readonly ArchiveEntry[],
  byId: ReadonlyMap<number, ArchiveEntry>,
  chosen: ReadonlySet<number>,
): EntrySelection {
  const selected = entries.filter(({ id }) => chosen.has(id));
  const name = (entry: ArchiveEntry): { schema: string; name: string } => ({ schema: entry.schema, name: entry.tag });
  return {
    ids: selected.map(({ id }) => id),
    tables: selected.filter(({ kind }) => kind === 'TABLE DATA').map(name),
    relations: selected.filter(({ kind }) => relationKinds.has(kind)).map(name),
    foreignKeysLeftOut: entries
      .filter(
        (entry) =>
          entry.kind === 'FK CONSTRAINT' &&
          !chosen.has(entry.id) &&
          entry.dependsOn.some((id) => chosen.has(id) && ownsKey(byId.get(id), entry)),
      )
      .map(({ tag }) => tag),
  };
}

/** The tag of a foreign key begins with the name of the table it is on. */
function ownsKey(table: ArchiveEntry | undefined, key: ArchiveEntry): boolean {
  return table !== undefined && relationKinds.has(table.kind) && table.schema === key.schema && key.tag.startsWith(`${table.tag} `);
}

function findRelation(entries: readonly ArchiveEntry[], wanted: string): ArchiveEntry {
  const spellings = ({ schema, tag }: ArchiveEntry): string[] => {
    const quoted = [schema, tag].map((part) => pg.escapeIdentifier(part));
    return [tag, `${schema}.${tag}`, quoted[1] ?? '', quoted.join('.'), `${schema}.${quoted[1] ?? ''}`, `${quoted[0] ?? ''}.${tag}`];
  };
  const fitting = entries.filter((entry) => relationKinds.has(entry.kind) && spellings(entry).includes(wanted));
  const found = fitting.length === 1 ? fitting[0] : fitting.find(({ schema }) => schema === 'public');
  if (found !== undefined) return found;
  const reason =
    fitting.length === 0
      ? `this point holds no table "${wanted}"`
      : `"${wanted}" may be ${fitting.map(({ schema, tag }) => `${schema}.${tag}`).join(' or ')}`;
  throw new HoldfastError('postgres-capture-missing', { reason });
}

function addBelonging(entries: readonly ArchiveEntry[], byId: ReadonlyMap<number, ArchiveEntry>, chosen: Set<number>): void {
  for (let before = -1; before !== chosen.size;) {
    before = chosen.size;
    for (const entry of entries) {
      if (chosen.has(entry.id) || !belongingKinds.has(entry.kind) || !entry.dependsOn.some((id) => chosen.has(id))) continue;
      /* A chosen table brings its partitions and the sequences it owns; it does not bring the tables it refers to. */
      if (entry.kind === 'TABLE ATTACH') addPartition(entries, entry, chosen);
      if (entry.kind === 'SEQUENCE OWNED BY') for (const id of entry.dependsOn) if (byId.get(id)?.kind === 'SEQUENCE') chosen.add(id);
      if (entry.dependsOn.every((id) => chosen.has(id) || !isRelation(byId.get(id)))) chosen.add(entry.id);
    }
  }
}

/** An attachment is called after the partition; the other table is the parent, and only a chosen parent brings the partition. */
function addPartition(entries: readonly ArchiveEntry[], attachment: ArchiveEntry, chosen: Set<number>): void {
  const related = entries.filter((entry) => attachment.dependsOn.includes(entry.id) && isRelation(entry));
  const partition = related.find((entry) => entry.schema === attachment.schema && entry.tag === attachment.tag);
  if (partition !== undefined && related.some((entry) => entry !== partition && chosen.has(entry.id))) chosen.add(partition.id);
}

function addGround(entries: readonly ArchiveEntry[], byId: ReadonlyMap<number, ArchiveEntry>, chosen: Set<number>): void {
  const schemas = new Set(entries.filter(({ id }) => chosen.has(id)).map(({ schema }) => schema));
  for (const entry of entries) if (entry.kind === 'SCHEMA' && schemas.has(entry.tag)) chosen.add(entry.id);
  const waiting = [...chosen];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    for (const needed of byId.get(id)?.dependsOn ?? []) {
      const entry = byId.get(needed);
      if (entry === undefined || chosen.has(needed) || !groundKinds.has(entry.kind)) continue;
      chosen.add(needed);
      waiting.push(needed);
      for (const schema of entries) if (schema.kind === 'SCHEMA' && schema.tag === entry.schema) chosen.add(schema.id);
    }
  }
}

function isRelation(entry: ArchiveEntry | undefined): boolean {
  return entry !== undefined && relationKinds.has(entry.kind);
}
