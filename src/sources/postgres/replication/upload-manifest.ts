/** Gives the server the manifest of an earlier backup, so that it sends only the blocks that changed since. */
import { HoldfastError } from '../../../errors.ts';
import type { ReplicationConnection } from './connect-replication.ts';
import { readStep, sendCommand } from './conversation.ts';
import { serverOf } from './replication-errors.ts';
import { ProtocolFailure } from './failures.ts';

/** PostgreSQL 17 and newer; before, throws `base-increment`. */
export async function uploadManifest(connection: ReplicationConnection, manifest: AsyncIterable<Uint8Array>): Promise<void> {
  const { conversation, version, login } = connection;
  const { wire } = conversation;
  if (version < 170_000) {
    const reason = `PostgreSQL ${Math.floor(version / 10_000)} cannot find out by itself what changed`;
    throw new HoldfastError('base-increment', { server: serverOf(login), reason });
  }
  sendCommand(conversation, 'UPLOAD_MANIFEST');
  const step = await readStep(conversation);
  if (step.type !== 'copy-in') throw new ProtocolFailure('it did not take the manifest');
  try {
    for await (const chunk of manifest) {
      if (!wire.send('d', chunk)) await wire.drained();
    }
  } catch (error) {
    wire.send('f', Buffer.from('the manifest could not be read\0'));
    await readStep(conversation).catch(() => {});
    throw error;
  }
  wire.send('c', Buffer.alloc(0));
  while ((await readStep(conversation)).type !== 'ready');
}
