/** What of a database is dumped, and how. */
import { HoldfastError } from '../../errors.ts';

/** `custom`: one archive; `plain`: SQL to read; `directory`: a file a table, dumped with several connections. */
export type DumpFormat = 'custom' | 'plain' | 'directory';

export interface DumpOptions {
  /** Only these tables, views and sequences: patterns of pg_dump, such as `orders` or `sales.*`. */
  readonly tables?: readonly string[] | undefined;
  /** Only these schemas: patterns of pg_dump. Not together with `tables`. */
  readonly schemas?: readonly string[] | undefined;
  /** Everything but these tables: patterns of pg_dump. */
  readonly excludeTables?: readonly string[] | undefined;
  /** Only definitions, or only rows. */
  readonly only?: 'schema' | 'data' | undefined;
  /** `custom` by default. */
  readonly format?: DumpFormat | undefined;
  /** Connections of a dump in directory format, 2 by default. */
  readonly jobs?: number | undefined;
}

/** Throws `usage` for what cannot go together. */
export function checkDumpOptions(options: DumpOptions): void {
  const refuse = (reason: string): never => {
    throw new HoldfastError('usage', { reason, help: 'holdfast backup --help' });
  };
  const { tables, schemas, excludeTables, jobs } = options;
  if (tables !== undefined && schemas !== undefined) refuse('tables and schemas exclude each other: name tables as SCHEMA.NAME');
  for (const names of [tables, schemas, excludeTables]) {
    if (names?.length === 0) refuse('an empty list of tables or schemas would dump everything: leave it out');
    if (names?.some((name) => name === '' || name.includes('\0')) === true) refuse('a table or schema has no name');
  }
  if (jobs !== undefined && options.format !== 'directory') refuse('several jobs need the directory format');
  if (jobs !== undefined && (!Number.isInteger(jobs) || jobs < 1)) refuse('the number of jobs is a whole number from 1');
}

/** The options of pg_dump that choose what is dumped. A pattern of tables or schemas that fits nothing fails the dump. */
export function selectionArguments({ tables = [], schemas = [], excludeTables = [], only }: DumpOptions): string[] {
  return [
    '--strict-names',
    ...tables.map((name) => `--table=${name}`),
    ...schemas.map((name) => `--schema=${name}`),
    ...excludeTables.map((name) => `--exclude-table=${name}`),
    ...(only === undefined ? [] : [`--${only}-only`]),
  ];
}

/** Whether pg_dump adds the large objects, which belong to no table. */
export function holdsLargeObjects({ tables, schemas, only }: DumpOptions): boolean {
  return tables === undefined && schemas === undefined && only !== 'schema';
}
