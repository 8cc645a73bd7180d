/** Pulls the entries of a base backup out of its stream, archive by archive. */
import { type BaseEntry, describeEntry, manifestName } from './base-entry.ts';
import type { BaseStream } from './base-stream.ts';
import { expectNoDamage } from './base-errors.ts';
import type { ReplicationConnection } from './connect-replication.ts';
import { ProtocolFailure, WireFailure } from './failures.ts';
import { readTar } from './tar-entries.ts';

export interface EntriesRequest {
  readonly connection: ReplicationConnection;
  readonly stream: BaseStream;
  /** Object ids of those that the server announced. */
  readonly tablespaces: readonly string[];
  /** Any error as one of the catalogue. */
  readonly translate: (error: unknown) => Error;
  /** Called once, however it ends. */
  readonly finish: () => void;
}

/** Throws what `translate` gives. Whoever leaves it early, or gets an error, has a connection that is over. */
export async function* readEntries(request: EntriesRequest): AsyncGenerator<BaseEntry, void, undefined> {
  const { connection, stream, tablespaces, translate, finish } = request;
  const wire = connection.conversation.wire;
  const owner = { uid: 0, gid: 0, modified: new Date(0) };
  let isWhole = false;
  try {
    for (let part = await stream.openPart(); part !== undefined; part = await stream.openPart()) {
      if (part.type === 'manifest') {
        yield { path: manifestName, type: 'file', mode: 0o600, ...owner, size: -1, content: guard(readManifest(stream), translate) };
        /* What was not read of it. */
        while ((await stream.nextPiece()) !== undefined);
        continue;
      }
      const { tablespace } = part;
      if (tablespace !== undefined && !tablespaces.includes(tablespace))
        throw new ProtocolFailure(`it sent a tablespace ${tablespace} that it had not announced`);
      for await (const entry of readTar(() => stream.nextPiece(), { hasEnd: connection.version >= 150_000 })) {
        const described = describeEntry(entry, tablespace);
        Object.assign(owner, { uid: described.uid, gid: described.gid, modified: described.modified });
        yield { ...described, content: guard(described.content, translate) };
      }
    }
    expectNoDamage(connection);
    isWhole = true;
  } catch (error) {
    throw translate(error);
  } finally {
    finish();
    /* Whoever stops in the middle leaves a connection that is good for nothing. */
    if (!isWhole) wire.destroy(new WireFailure('the backup was given up'));
  }
}

async function* readManifest(stream: BaseStream): AsyncGenerator<Uint8Array, void, undefined> {
  for (let piece = await stream.nextPiece(); piece !== undefined; piece = await stream.nextPiece()) yield piece;
}

async function* guard(
  content: AsyncIterable<Uint8Array>,
  translate: (error: unknown) => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* content;
  } catch (error) {
    throw translate(error);
  }
}
