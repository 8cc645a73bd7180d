/** What may be asked of a restore of a database. */
import { HoldfastError } from '../../errors.ts';

export interface PostgresRestoreRequest {
  /**
   * Which of the captured databases: all, or those named, each under its own name. By default the one the server's address names, or
   * the only one there is.
   */
  readonly databases?: 'all' | readonly string[];
  /** The database to restore into, on the source's server; by default the one that was backed up. Created when it is not there. */
  readonly into?: string;
  /**
   * Replace an existing database by a new one. The new one is restored and compared beside the old one first; then the old
   * one's sessions are ended and it is dropped. Needs room for both.
   */
  readonly recreate?: boolean;
  /** Drop what the backup holds from an existing database and restore it there, in one transaction. */
  readonly clean?: boolean;
  /**
   * Only these tables (or views), each as `name` or `schema.name`, with their data, indexes, constraints, triggers, grants and
   * partitions. Into a new database, with the types, functions and extensions they need.
   */
  readonly tables?: readonly string[];
  /** Only what is in these schemas. Into a new database, with the types, functions and extensions it needs from others. */
  readonly schemas?: readonly string[];
  readonly schemaOnly?: boolean;
  /** Only rows and the positions of sequences, into tables that are there and empty. */
  readonly dataOnly?: boolean;
  /** Restore with so many connections. Needs a new database, and room for the dump in the folder for temporary files. */
  readonly jobs?: number;
  /** Everything belongs to the user who restores, and nothing is granted: for a server without the original roles. */
  readonly noOwner?: boolean;
  /** Create the saved roles that the server does not have, first. */
  readonly roles?: boolean;
}

/** Throws `usage` for what cannot go together. */
export function checkRequest(request: PostgresRestoreRequest): void {
  const refuse = (reason: string): never => {
    throw new HoldfastError('usage', { reason, help: 'holdfast restore --help' });
  };
  const { databases, into, recreate, clean, tables, schemas, schemaOnly, dataOnly, jobs } = request;
  if (recreate === true && clean === true) refuse('recreate and clean exclude each other');
  if (schemaOnly === true && dataOnly === true) refuse('schema only and data only exclude each other');
  if (dataOnly === true && (clean === true || recreate === true))
    refuse('data only needs tables that are there and empty, so it goes with neither recreate nor clean');
  if (tables !== undefined && schemas !== undefined) refuse('tables and schemas exclude each other: name tables as SCHEMA.NAME');
  if (recreate === true && (tables !== undefined || schemas !== undefined))
    refuse('recreate replaces a whole database, so it does not go with chosen tables or schemas');
  if (tables?.length === 0) refuse('no tables were named');
  if (schemas?.length === 0) refuse('no schemas were named');
  if (databases?.length === 0) refuse('no databases were named');
  if (databases !== undefined && (into !== undefined || tables !== undefined || schemas !== undefined))
    refuse('several databases are restored whole and under their own names, so they go with neither into nor tables nor schemas');
  if (into !== undefined && (into === '' || into.includes('\0') || Buffer.byteLength(into) > 63))
    refuse('a database name has 1 to 63 bytes');
  if (jobs !== undefined && (!Number.isInteger(jobs) || jobs < 1)) refuse('the number of jobs is a whole number from 1');
}
