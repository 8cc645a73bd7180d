/** What may be asked of a restore of a database. */
import { HoldfastError } from '../../errors.ts';

export interface PostgresRestoreRequest {
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
  if (request.recreate === true && request.clean === true) refuse('recreate and clean exclude each other');
  if (request.schemaOnly === true && request.dataOnly === true) refuse('schema only and data only exclude each other');
  if (request.dataOnly === true && (request.clean === true || request.recreate === true))
    refuse('data only needs tables that are there and empty, so it goes with neither recreate nor clean');
  if (request.recreate === true && request.tables !== undefined)
    refuse('recreate replaces a whole database, so it does not go with chosen tables');
  if (request.tables?.length === 0) refuse('no tables were named');
  if (request.into !== undefined && (request.into === '' || request.into.includes('\0') || Buffer.byteLength(request.into) > 63))
    refuse('a database name has 1 to 63 bytes');
  if (request.jobs !== undefined && (!Number.isInteger(request.jobs) || request.jobs < 1))
    refuse('the number of jobs is a whole number from 1');
}
