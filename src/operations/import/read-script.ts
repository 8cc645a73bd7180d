/**
 * Follows SQL of pg_dump and pg_dumpall: which databases it holds, how many rows each table has, whether all of it is there. What would leave the
 * database that it is restored into (`\connect`, CREATE DATABASE) is taken out.
 */
import { readLines } from './script-lines.ts';

export interface ScriptTable {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/** What one database's part of a script says. */
export interface ScriptFacts {
  /** Undefined where it names none. */
  readonly database: string | undefined;
  readonly tables: readonly ScriptTable[];
  readonly largeObjects: number;
  readonly serverVersion: string | undefined;
  readonly dumpVersion: string | undefined;
  readonly started: Date | undefined;
  readonly encoding: string | undefined;
  readonly collation: string | undefined;
  readonly characterType: string | undefined;
  readonly owner: string | undefined;
}

export interface ScriptPart {
  /** `roles` is what pg_dumpall writes before the databases. */
  readonly kind: 'roles' | 'database';
  readonly lines: AsyncIterable<readonly Buffer[]>;
  /** Complete once the lines were read. */
  facts(): ScriptFacts;
}

/** What makes text no script. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

const clusterTitle = '-- PostgreSQL database cluster dump\n';
const title = '-- PostgreSQL database dump\n';
const endMark = '-- PostgreSQL database dump complete\n';
const clusterEnd = '-- PostgreSQL database cluster dump complete\n';

/**
 * The parts, one after the other: each is to be read to its end before the next is asked for. Throws ScriptError for what does not begin as a dump, or ends
 * before the end mark.
 */
export async function* readScript(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ScriptPart, void, undefined> {
  const source = new LineSource(readLines(bytes));
  const isCluster = await source.skipToTitle();
  if (isCluster) {
    const roles = new PartReader(source, 'roles');
    yield roles;
    roles.requireEnd();
  }
  for (let count = 0; isCluster ? await source.findDatabase() : count === 0; count += 1) {
    const part = new PartReader(source, 'database', source.announced);
    yield part;
    part.requireEnd();
  }
  if (isCluster && !source.ended) throw new ScriptError('it ends before the end mark of pg_dumpall');
}

/** Lines with a place to go back to. */
class LineSource {
  readonly #batches: AsyncIterator<readonly Buffer[]>;
  #batch: readonly Buffer[] = [];
  #at = 0;
  /** The database that the comment before its part names. */
  announced: string | undefined;
  /** pg_dumpall's end mark was seen. */
  ended = false;

  constructor(batches: AsyncGenerator<readonly Buffer[]>) {
    this.#batches = batches;
  }

  /** What is left of the lines at hand, or the next. Undefined at the end. */
  async batch(): Promise<readonly Buffer[] | undefined> {
    if (this.#at < this.#batch.length) return this.#batch.slice(this.#at);
    const next = await this.#batches.next();
    if (next.done === true) return undefined;
    this.#batch = next.value;
    this.#at = 0;
    return this.#batch;
  }

  /** So many of them were used. */
  use(lines: number): void {
    this.#at += lines;
  }

  /** Whether it is pg_dumpall's. */
  async skipToTitle(): Promise<boolean> {
    for (let seen = 0, batch = await this.batch(); batch !== undefined && seen < 100; batch = await this.batch())
      for (const line of batch) {
        this.use(1);
        seen += 1;
        const text = textOf(line);
        if (text === title) return false;
        if (text === clusterTitle) return true;
        if (seen >= 100) break;
      }
    throw new ScriptError('it does not begin as pg_dump or pg_dumpall writes');
  }

  /** Goes to where the next database begins. */
  async findDatabase(): Promise<boolean> {
    this.announced = undefined;
    for (let batch = await this.batch(); batch !== undefined; batch = await this.batch())
      for (const line of batch) {
        this.use(1);
        const text = textOf(line);
        if (text === title) return true;
        if (text === clusterEnd) this.ended = true;
        this.announced = /^-- Database "(.*)" dump\n$/.exec(text)?.[1] ?? this.announced;
      }
    return false;
  }
}

type FactName = 'database' | 'serverVersion' | 'dumpVersion' | 'started' | 'encoding' | 'collation' | 'characterType' | 'owner';

class PartReader implements ScriptPart {
  readonly kind: ScriptPart['kind'];
  readonly lines: AsyncIterable<readonly Buffer[]>;
  readonly #source: LineSource;
  readonly #rows = new Map<string, { readonly table: Omit<ScriptTable, 'rows'>; rows: number; readonly times: { count: number } }>();
  readonly #found: Partial<Record<FactName, string | undefined>>;
  #counting: { rows: number } | undefined;
  #largeObjects = 0;
  #ended = false;
  #inStatement = false;

  constructor(source: LineSource, kind: ScriptPart['kind'], announced?: string) {
    this.#source = source;
    this.kind = kind;
    this.#found = announced === undefined ? {} : { database: announced };
    this.lines = this.#read();
  }

  requireEnd(): void {
    if (!this.#ended) throw new ScriptError('it ends before the end mark of pg_dump');
  }

  facts(): ScriptFacts {
    const { started, database, serverVersion, dumpVersion, encoding, collation, characterType, owner } = this.#found;
    const time = started === undefined ? undefined : new Date(started);
    return {
      database,
      // A table that is filled in several pieces is one whose partitions get the rows.
      tables: [...this.#rows.values()].filter(({ times }) => times.count === 1).map(({ table, rows }) => ({ ...table, rows })),
      largeObjects: this.#largeObjects,
      serverVersion,
      dumpVersion,
      started: time === undefined || Number.isNaN(time.getTime()) ? undefined : time,
      encoding,
      collation,
      characterType,
      owner,
    };
  }

  async *#read(): AsyncGenerator<readonly Buffer[], void, undefined> {
    if (this.kind === 'database') yield [Buffer.from(`--\n${title}--\n`)];
    for (let batch = await this.#source.batch(); batch !== undefined && !this.#ended; batch = await this.#source.batch()) {
      const kept: Buffer[] = [];
      let used = 0;
      for (const line of batch) {
        if (this.kind === 'roles' && this.#counting === undefined && this.#endsRoles(line)) break;
        used += 1;
        if (this.#keep(line)) kept.push(line);
        if (this.#ended) break;
      }
      this.#source.use(used);
      if (kept.length > 0) yield kept;
      if (this.#ended) break;
    }
  }

  /** What is behind the roles belongs to the databases. */
  #endsRoles(line: Buffer): boolean {
    const text = textOf(line);
    this.#ended = text === title || /^(-- Databases\n|-- Database "|\\connect )/.test(text) || text === clusterEnd;
    return this.#ended;
  }

  #keep(line: Buffer): boolean {
    if (this.#counting !== undefined) {
      if (line.length <= 4 && /^\\\.\r?\n?$/.test(line.toString('latin1'))) this.#counting = undefined;
      else this.#counting.rows += 1;
      return true;
    }
    const text = textOf(line);
    if (this.#inStatement) {
      this.#inStatement = !/;\s*$/.test(text);
      return false;
    }
    if (text === endMark) this.#ended = true;
    else if (text.startsWith('COPY ')) this.#beginCopy(text);
    else if (text.startsWith('SELECT pg_catalog.lo_create(')) this.#largeObjects += 1;
    else return this.#keepStatement(text);
    return true;
  }

  #keepStatement(text: string): boolean {
    if (text.startsWith('-- ')) this.#readComment(text);
    if (text.startsWith('\\connect ')) {
      this.#found.database ??= /^\\connect (?:-reuse-previous=on )?"?(?:dbname=')?([^"'\n]+)/.exec(text)?.[1];
      return false;
    }
    if (!/^(CREATE DATABASE|ALTER DATABASE|COMMENT ON DATABASE|DROP DATABASE|UPDATE pg_catalog\.pg_database) /.test(text)) return true;
    this.#readDatabase(text);
    this.#inStatement = !/;\s*$/.test(text);
    return false;
  }

  #readComment(text: string): void {
    const server = /^-- Dumped from database version (\S+)/.exec(text)?.[1];
    const dump = /^-- Dumped by pg_dump version (\S+)/.exec(text)?.[1];
    const started = /^-- Started on (.+)\n/.exec(text)?.[1];
    if (server !== undefined) this.#found.serverVersion ??= server;
    if (dump !== undefined) this.#found.dumpVersion ??= dump;
    if (started !== undefined) this.#found.started ??= started;
  }

  #readDatabase(text: string): void {
    const found = this.#found;
    const name = /^(?:CREATE|ALTER) DATABASE ("(?:[^"]|"")+"|[^\s";]+)/.exec(text)?.[1];
    if (name !== undefined) found.database ??= unquote(name);
    const locale = / LOCALE = '([^']*)'/.exec(text)?.[1];
    found.encoding ??= / ENCODING = '([^']*)'/.exec(text)?.[1];
    found.collation ??= / LC_COLLATE = '([^']*)'/.exec(text)?.[1] ?? locale;
    found.characterType ??= / LC_CTYPE = '([^']*)'/.exec(text)?.[1] ?? locale;
    const owner = / OWNER TO ("(?:[^"]|"")+"|[^\s";]+);/.exec(text)?.[1];
    if (owner !== undefined) found.owner ??= unquote(owner);
  }

  #beginCopy(text: string): void {
    const name = String.raw`("(?:[^"]|"")+"|[^\s".(]+)`;
    const [, schema, table] = new RegExp(String.raw`^COPY ${name}\.${name} (?:\(.*\) )?FROM stdin;`, 's').exec(text) ?? [];
    if (schema === undefined || table === undefined) {
      if (/FROM stdin;\s*$/.test(text)) this.#counting = { rows: 0 };
      return;
    }
    const key = `${schema}.${table}`;
    const known = this.#rows.get(key);
    if (known === undefined)
      this.#rows.set(key, { table: { schema: unquote(schema), name: unquote(table) }, rows: 0, times: { count: 1 } });
    else known.times.count += 1;
    this.#counting = this.#rows.get(key);
  }
}

function textOf(line: Buffer): string {
  /* Only statements that pg_dump writes on one line are looked at. */
  return line.length > 100_000 ? '' : line.toString('utf8').replace('\r\n', '\n');
}

function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
