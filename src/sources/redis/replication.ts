/** Reads a snapshot over the replication protocol, as a replica does: no access to the server's files is needed, and often none of them is written. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import { type ByteReader, ConnectionEnded } from './byte-reader.ts';
import { type RedisAddress, titleOfAddress } from './redis-address.ts';
import { type RedisConnection, RedisReplyError, connectRedis } from './redis-connection.ts';
import { explainReplyError } from './reply-errors.ts';

/** The server sends a newline every few seconds while it prepares the snapshot. */
const patience = 120_000;
const markSize = 40;

/**
 * The bytes of a snapshot that the server takes now. Throws `redis-unreachable`, `redis-login`, `redis-permission`, `redis-refused`,
 * `redis-save-failed` when the server gives up before the first byte, `redis-cut` after it, `interrupted`.
 */
export async function* replicateSnapshot(address: RedisAddress, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const title = titleOfAddress(address);
  const connection = await connectRedis(address, signal);
  let begun = false;
  try {
    const transfer = await requestSnapshot(connection, title);
    for await (const chunk of 'mark' in transfer ? untilMark(connection.reader, transfer.mark) : sized(connection.reader, transfer.size)) {
      begun = true;
      yield chunk;
    }
  } catch (error) {
    if (signal.aborted) throw new HoldfastError('interrupted');
    if (error instanceof HoldfastError) throw error;
    if (error instanceof RedisReplyError) throw explainReplyError(error, title, address.user);
    const details = { title, reason: reasonOf(error) };
    throw new HoldfastError(begun ? 'redis-cut' : 'redis-save-failed', details, error);
  } finally {
    connection.close();
  }
}

type Transfer = { readonly size: number } | { readonly mark: Buffer };

async function requestSnapshot(connection: RedisConnection, title: string): Promise<Transfer> {
  /* Only the snapshot, not what is written after it (Redis 7); and the form that needs no file on the server. Older servers know neither. */
  for (const capability of [
    ['rdb-only', '1'],
    ['capa', 'eof'],
  ])
    await connection.command('REPLCONF', ...capability).catch(ignoreReplyError);
  try {
    connection.send('PSYNC', '?', '-1');
    const answer = await readLine(connection.reader);
    if (!answer.startsWith('+FULLRESYNC'))
      throw new HoldfastError('redis-refused', { title, reason: 'it began something other than a whole copy' });
    return await readTransfer(connection.reader);
  } catch (error) {
    /* Before Redis 2.8, or a user who may do only one of the two. */
    if (!(error instanceof RedisReplyError) || !/unknown command|NOPERM/i.test(error.message)) throw error;
  }
  connection.send('SYNC');
  return readTransfer(connection.reader);
}

async function readTransfer(reader: ByteReader): Promise<Transfer> {
  const line = await readLine(reader);
  const mark = /^\$EOF:(.{40})$/.exec(line)?.[1];
  if (mark !== undefined) return { mark: Buffer.from(mark, 'latin1') };
  const size = /^\$(\d{1,15})$/.exec(line)?.[1];
  if (size === undefined) throw new ConnectionEnded('the server answered with something other than a snapshot');
  return { size: Number(size) };
}

/** The next line that says something: empty ones only show that the server is alive. Throws `RedisReplyError` for a refusal. */
async function readLine(reader: ByteReader): Promise<string> {
  for (;;) {
    const line = await reader.line(patience);
    if (line.startsWith('-')) throw new RedisReplyError(line.slice(1));
    if (line !== '') return line;
  }
}

async function* sized(reader: ByteReader, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0;) {
    const chunk = await takeSome(reader, () => `it ends ${left} bytes too early`);
    yield chunk.subarray(0, left);
    left -= chunk.length;
  }
}

async function* untilMark(reader: ByteReader, mark: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Buffer = Buffer.alloc(0);
  for (;;) {
    held = Buffer.concat([held, await takeSome(reader, () => 'its end mark did not come')]);
    const end = held.indexOf(mark);
    if (end >= 0) {
      if (end > 0) yield held.subarray(0, end);
      return;
    }
    const sure = Math.max(0, held.length - markSize + 1);
    if (sure > 0) yield held.subarray(0, sure);
    held = held.subarray(sure);
  }
}

async function takeSome(reader: ByteReader, what: () => string): Promise<Buffer> {
  try {
    return await reader.some(patience);
  } catch (error) {
    throw new ConnectionEnded(`${what()} (${reasonOf(error)})`, { cause: error });
  }
}

function ignoreReplyError(error: unknown): void {
  if (!(error instanceof RedisReplyError)) throw error;
}
