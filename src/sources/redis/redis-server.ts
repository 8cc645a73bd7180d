/** What the source needs of a server, wherever it runs; one that is reached over the network does it over one connection. */
import { HoldfastError } from '../../errors.ts';
import { type RedisAddress, titleOfAddress } from './redis-address.ts';
import { type Reply, RedisReplyError, connectRedis } from './redis-connection.ts';
import { replicateSnapshot } from './replication.ts';
import { explainReplyError } from './reply-errors.ts';
import { type ServerInfo, parseInfo, readServerInfo, wantedSettings } from './server-info.ts';

export interface RedisServer {
  /** For people, without secrets. */
  readonly title: string;
  readInfo(signal: AbortSignal): Promise<ServerInfo>;
  /** The bytes of a snapshot that is taken now; not proved yet. `mayEndWithMark`: see `proveRdb`. */
  openSnapshot(info: ServerInfo, signal: AbortSignal): { readonly bytes: AsyncIterable<Uint8Array>; readonly mayEndWithMark: boolean };
}

/** A server at an address of the network, or a Unix socket of this machine. */
export function createNetworkServer(address: RedisAddress): RedisServer {
  const title = titleOfAddress(address);
  return {
    title,
    async readInfo(signal) {
      const connection = await connectRedis(address, signal);
      try {
        const info = parseInfo(asText(await connection.command('INFO')));
        const settings = new Map<string, string>();
        for (const name of wantedSettings) {
          const reply = await connection.command('CONFIG', 'GET', name).catch(keepReplyError);
          if (reply instanceof RedisReplyError) break;
          if (Array.isArray(reply) && typeof reply[1] === 'string') settings.set(name, reply[1]);
        }
        return readServerInfo(info, settings);
      } catch (error) {
        throw error instanceof RedisReplyError ? explainReplyError(error, title, address.user) : error;
      } finally {
        connection.close();
      }
    },
    openSnapshot: (_, signal) => ({ bytes: replicateSnapshot(address, signal), mayEndWithMark: false }),
  };

  function asText(reply: Reply): string {
    if (typeof reply !== 'string') throw new HoldfastError('redis-unreachable', { title, reason: 'what answers there is not Redis' });
    return reply;
  }
}

function keepReplyError(error: unknown): RedisReplyError {
  if (error instanceof RedisReplyError) return error;
  throw error;
}
