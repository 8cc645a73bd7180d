/** The roles and tablespaces of the server, which belong to no database: saved as SQL, and created again where they are missing. */
import { HoldfastError, isError } from '../../errors.ts';
import { titleOf } from './login.ts';
import { type PostgresServer, type PostgresTool, runOnServer } from './server.ts';
import type { PostgresSession } from './session.ts';
import { splitStatements } from './split-statements.ts';
import { judgeEnd } from './tool-failure.ts';

export type SavedRoles =
  | { readonly sql: Buffer; readonly withPasswords: boolean }
  /** Why the server does not show its roles to this user. */
  | { readonly refused: string };

const endMark = '-- PostgreSQL database cluster dump complete';

/**
 * What `pg_dumpall --globals-only` says: with the passwords' hashes where the user may see them, else without. Throws
 * `postgres-dump-failed` for any failure but a missing right.
 */
export async function saveRoles(server: PostgresServer, tool: PostgresTool, signal: AbortSignal): Promise<SavedRoles> {
  let refused = '';
  for (const withPasswords of [true, false]) {
    const end = await runOnServer(server, {
      file: tool.path,
      args: ['--globals-only', '--no-password', ...(withPasswords ? [] : ['--no-role-passwords'])],
      signal,
    });
    if (signal.aborted) throw new HoldfastError('interrupted');
    if (end.status === 0 && end.stdout.includes(endMark)) return { sql: end.stdout, withPasswords };
    const { known, reason } = judgeEnd('pg_dumpall', end, server.login);
    if (known !== undefined && !isError(known, 'postgres-permission')) throw known;
    if (known === undefined) {
      const title = `the roles of ${titleOf(server.login)}`;
      throw new HoldfastError('postgres-dump-failed', { title, reason: end.status === 0 ? 'pg_dumpall wrote no end mark' : reason });
    }
    refused = reason;
  }
  return { refused };
}

/**
 * Creates the saved roles that the server does not have, with their attributes, memberships and settings; roles that are
 * there already are left as they are. Names of the roles created. Throws `postgres-permission`.
 */
export async function createMissingRoles(session: PostgresSession, sql: string): Promise<string[]> {
  const existing = new Set(
    (await session.query<{ name: string }>('SELECT quote_ident(rolname) AS name FROM pg_roles')).map(({ name }) => name),
  );
  const created = new Set<string>();
  for (const statement of splitStatements(sql)) {
    const role = roleOf(statement);
    if (role === undefined) continue;
    const creates = statement.startsWith('CREATE ROLE ');
    if (creates && !existing.has(role)) created.add(role);
    if (created.has(role)) await session.query(statement);
  }
  return [...created];
}

const name = String.raw`("(?:[^"]|"")+"|[^\s";]+)`;
const roleStatements = [
  new RegExp(`^(?:CREATE|ALTER) ROLE ${name}(?: |$)`, 's'),
  new RegExp(`^COMMENT ON ROLE ${name} IS `, 's'),
  new RegExp(`^GRANT ${name} TO ${name}(?: |$)`, 's'),
];

/** The role that a statement of pg_dumpall is about: of a membership, the member. Undefined for statements about anything else. */
function roleOf(statement: string): string | undefined {
  for (const pattern of roleStatements) {
    const found = pattern.exec(statement);
    if (found !== null) return found[2] ?? found[1];
  }
  return undefined;
}
