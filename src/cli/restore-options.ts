/** What both forms of `restore` understand: with a configuration and without. */
import type { PostgresRestoreRequest } from '../operations/restore-database.ts';
import { readCount } from './option-values.ts';
import type { ParsedOptions } from './parsed-options.ts';

export const overwriteModes = ['always', 'if-changed', 'if-newer', 'never'] as const;

/** Beside `into`. */
export const databaseOptions = ['tables', 'schema-only', 'data-only', 'clean', 'recreate', 'jobs', 'no-owner', 'roles'] as const;

export function readDatabaseRequest(options: ParsedOptions): PostgresRestoreRequest {
  const [into, jobs] = [options.text('into'), options.value('jobs', readCount)];
  return {
    ...(into === undefined ? {} : { into }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(options.has('tables') ? { tables: options.list('tables') } : {}),
    schemaOnly: options.has('schema-only'),
    dataOnly: options.has('data-only'),
    clean: options.has('clean'),
    recreate: options.has('recreate'),
    noOwner: options.has('no-owner'),
    roles: options.has('roles'),
  };
}
