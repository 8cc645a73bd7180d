/**
 * A connection to a Redis server: commands one at a time, and the socket itself for replication. Spoken by hand, because no client
 * library gives the socket up in the middle, which is what reading a snapshot over replication takes.
 */
import { once } from 'node:events';
import { type Socket, connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { ByteReader, ConnectionEnded } from './byte-reader.ts';
import { type RedisAddress, titleOfAddress } from './redis-address.ts';

/** An error that the server answered with: its first word (`ERR`, `NOAUTH`, …) and its text. */
export class RedisReplyError extends Error {
  get word(): string {
    return this.message.split(' ', 1)[0] ?? '';
  }
}

export type Reply = string | null | readonly Reply[];

export interface RedisConnection {
  /** Sends one command and waits for its reply. Throws `RedisReplyError` for an error of the server, `redis-unreachable` when the connection breaks. */
  command(...words: readonly string[]): Promise<Reply>;
  /** Sends a command whose answer is read from `reader`. */
  send(...words: readonly string[]): void;
  /** For what does not come as a reply. */
  readonly reader: ByteReader;
  close(): void;
}

const connectPatience = 15_000;
const replyPatience = 60_000;
const largestText = 64 * 1024 * 1024;
const longestList = 100_000;
const deepestList = 8;

/** Connects and logs in. Throws `redis-unreachable`, `redis-login`, `interrupted`. */
export async function connectRedis(address: RedisAddress, signal: AbortSignal): Promise<RedisConnection> {
  const title = titleOfAddress(address);
  if (signal.aborted) throw new HoldfastError('interrupted');
  const socket = openSocket(address);
  const abort = (): void => void socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', abort));
  socket.on('error', () => {});
  const unreachable = (error: unknown): HoldfastError =>
    signal.aborted ? new HoldfastError('interrupted') : new HoldfastError('redis-unreachable', { title, reason: reasonOf(error) }, error);
  const timer = setTimeout(() => socket.destroy(new Error('nothing answers there')), connectPatience);
  try {
    await once(socket, address.tls === undefined ? 'connect' : 'secureConnect');
  } catch (error) {
    socket.destroy();
    throw unreachable(error);
  } finally {
    clearTimeout(timer);
  }
  const reader = new ByteReader(socket as AsyncIterable<Uint8Array>);
  const send = (...words: readonly string[]): void => void socket.write(encodeCommand(words));
  const command = async (...words: readonly string[]): Promise<Reply> => {
    try {
      send(...words);
      return await readReply(reader, 0);
    } catch (error) {
      throw error instanceof RedisReplyError ? error : unreachable(error);
    }
  };
  const connection = { command, send, reader, close: () => void socket.destroy() };
  try {
    await logIn(connection, address, title);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

function openSocket(address: RedisAddress): Socket {
  if (address.socketPath !== undefined) return connectTcp({ path: address.socketPath });
  const { host, port } = address;
  const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
  return address.tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...servername, ...address.tls });
}

async function logIn(connection: RedisConnection, { user, password }: RedisAddress, title: string): Promise<void> {
  try {
    if (password !== undefined) await connection.command(...(user === undefined ? ['AUTH', password] : ['AUTH', user, password]));
    await connection.command('PING');
  } catch (error) {
    if (!(error instanceof RedisReplyError)) throw error;
    /* A server that is loading or busy says so, and knows the user all the same. A user need not have the right to PING. */
    if (/^(LOADING|NOPERM|MASTERDOWN|BUSY)$/.test(error.word)) return;
    throw new HoldfastError('redis-login', { title, reason: loginReason(error, password !== undefined) });
  }
}

/** Never the server's own text: some servers repeat in it what they were sent. */
function loginReason(error: RedisReplyError, gavePassword: boolean): string {
  if (error.word === 'WRONGPASS' || /invalid password/.test(error.message)) return 'the password is wrong, or there is no such user';
  if (error.word === 'NOAUTH') return 'it wants a password';
  if (/without any password|no password is set/.test(error.message)) return 'a password was given, and the server has none';
  return `the server answered ${error.word}${gavePassword ? ' to the password' : ''}`;
}

function encodeCommand(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`, 'utf8');
}

async function readReply(reader: ByteReader, depth: number): Promise<Reply> {
  const line = await reader.line(replyPatience);
  const [kind, text] = [line.slice(0, 1), line.slice(1)];
  if (kind === '+' || kind === ':') return text;
  if (kind === '-') throw new RedisReplyError(text);
  const count = Number(text);
  if (kind === '$' && Number.isInteger(count) && count <= largestText) {
    if (count < 0) return null;
    const bytes = await reader.exactly(count + 2, replyPatience);
    return bytes.subarray(0, count).toString('utf8');
  }
  if (kind === '*' && Number.isInteger(count) && count <= longestList && depth < deepestList) {
    if (count < 0) return null;
    const items: Reply[] = [];
    for (let at = 0; at < count; at += 1) items.push(await readReply(reader, depth + 1));
    return items;
  }
  throw new ConnectionEnded('what answers there is not Redis');
}
