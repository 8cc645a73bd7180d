/** What goes wrong with a base backup, as an error of the catalogue. */
import { HoldfastError, reasonOf } from '../../../errors.ts';
import { ServerComplaint } from '../server-errors.ts';
import type { ReplicationConnection } from './connect-replication.ts';
import { serverOf, translateReplicationError } from './replication-errors.ts';

/** The server ends such a backup with an error by itself; its warnings alone are enough for us. */
export function expectNoDamage({ warnings, login }: ReplicationConnection): void {
  const reason = warnings.find(isAboutChecksums);
  if (reason !== undefined) throw new HoldfastError('base-damaged', { server: serverOf(login), reason });
}

function isAboutChecksums(text: string): boolean {
  return /checksum verification (failed|failure)/i.test(text);
}

/** OBJECT_NOT_IN_PREREQUISITE_STATE: servers speak other languages too. */
const notReady = '55000';

/** `request` says whether it is an increment, and holds the signal whose reason passes as it is. */
export function translateBaseError(
  error: unknown,
  { place, login, warnings }: ReplicationConnection,
  request: { readonly increment?: unknown; readonly signal: AbortSignal },
): Error {
  const server = serverOf(login);
  if (error instanceof ServerComplaint && (error.code === 'XX001' || isAboutChecksums(error.message))) {
    const told = warnings.filter(isAboutChecksums).slice(0, 3);
    return new HoldfastError('base-damaged', { server, reason: told.length > 0 ? told.join('; ') : reasonOf(error) }, error);
  }
  if (
    request.increment !== undefined &&
    error instanceof ServerComplaint &&
    (error.code === notReady || /WAL summar|incremental|manifest/i.test(error.message))
  )
    return new HoldfastError('base-increment', { server, reason: reasonOf(error) }, error);
  return translateReplicationError(error, place, request.signal);
}
