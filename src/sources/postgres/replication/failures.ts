/** What can go wrong on a connection, before it is put into words for people (replication-errors.ts). */

/** The connection is over. */
export class WireFailure extends Error {
  override readonly name = 'WireFailure';
}

/** What came is not what the protocol says should come here. */
export class ProtocolFailure extends Error {
  override readonly name = 'ProtocolFailure';
}
