/** A server's WAL as it is written, its slots and its timelines: structurally the `WalFeed` of src/wal/wal-feed.ts. */
import { HoldfastError, isError } from '../../../errors.ts';
import { type Clock, systemClock } from '../../../util/clock.ts';
import { ServerComplaint } from '../server-errors.ts';
import type { PostgresSession } from '../session.ts';
import type { ReplicationConnection } from './connect-replication.ts';
import { runCommand } from './conversation.ts';
import { readLsn } from '../../../util/lsn.ts';
import { serverOf, translateReplicationError } from './replication-errors.ts';
import { type ServerWalStream, type WalStreamRequest, startWalStream } from './wal-stream.ts';

export interface ServerWalFeed {
  readonly server: { readonly version: number; readonly segmentSize: number };
  identify(): Promise<{ readonly systemId: string; readonly timeline: number; readonly position: bigint }>;
  readSlot(name: string): Promise<WalSlot | undefined>;
  /** Physical; reserves WAL at once. Succeeds if it is there. */
  createSlot(name: string): Promise<void>;
  /** Succeeds if it is not there. Throws `wal-slot-active`. */
  dropSlot(name: string): Promise<void>;
  readHistory(timeline: number): Promise<{ readonly name: string; readonly content: Buffer }>;
  /** Throws `wal-slot-active`, `wal-slot-lost`, `wal-removed`, `replication-*`; some of them only when the messages are pulled. */
  stream(request: WalStreamRequest): Promise<ServerWalStream>;
  close(): Promise<void>;
}

export interface WalSlot {
  readonly restart?: bigint;
  readonly active: boolean;
  readonly lost: boolean;
}

export interface WalFeedOptions {
  /** Opens a connection for replication; the feed closes it. */
  readonly connect: () => Promise<ReplicationConnection>;
  /** Opens an ordinary session, which reading slots needs; the feed closes it. */
  readonly openSession: () => Promise<PostgresSession>;
  readonly clock?: Clock;
  /** Milliseconds between two messages to the server that nobody asked for; after six without an answer it is given up. 10 s where absent. */
  readonly statusEvery?: number;
}

/**
 * Connects. A connection that broke, or that a stream was given up on, is replaced when it is needed again. Throws what `connect` throws.
 */
export async function createWalFeed(options: WalFeedOptions): Promise<ServerWalFeed> {
  const feed = new ConnectedFeed(options, await options.connect());
  try {
    return await describeFeed(feed, options);
  } catch (error) {
    await feed.close();
    throw error;
  }
}

class ConnectedFeed {
  readonly #options: WalFeedOptions;
  #connection: ReplicationConnection;
  #session: PostgresSession | undefined;

  constructor(options: WalFeedOptions, connection: ReplicationConnection) {
    this.#options = options;
    this.#connection = connection;
  }

  get version(): number {
    return this.#connection.version;
  }

  async connect(): Promise<ReplicationConnection> {
    if (!this.#connection.conversation.wire.isOpen) this.#connection = await this.#options.connect();
    return this.#connection;
  }

  async query(command: string, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<Readonly<Record<string, string | null>>> {
    const connection = await this.connect();
    try {
      const results = await runCommand(connection.conversation, command, encoding);
      return results[0]?.[0] ?? {};
    } catch (error) {
      if (error instanceof ServerComplaint) throw error;
      throw translateReplicationError(error, connection.place);
    }
  }

  /** What the server complained of, as an error of the catalogue. */
  translate(error: unknown): Error {
    return translateReplicationError(error, this.#connection.place);
  }

  /** Distrusts an answer. */
  doubt(reason: string): HoldfastError {
    return new HoldfastError('replication-protocol', { server: serverOf(this.#connection.login), reason });
  }

  async session(): Promise<PostgresSession> {
    this.#session ??= await this.#options.openSession();
    return this.#session;
  }

  async dropSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    await this.#connection.close();
    await this.dropSession();
  }
}

async function describeFeed(feed: ConnectedFeed, { clock = systemClock, statusEvery = 10_000 }: WalFeedOptions): Promise<ServerWalFeed> {
  const row = await feed.query('SHOW wal_segment_size').catch((error: unknown) => {
    throw feed.translate(error);
  });
  const segmentSize = parseSize(row['wal_segment_size'] ?? '');
  if (segmentSize === undefined) throw feed.doubt(`its WAL segments are "${row['wal_segment_size'] ?? ''}" large`);
  return {
    server: { version: feed.version, segmentSize },
    identify: () => identify(feed),
    readSlot: (name) => readSlot(feed, name),
    createSlot: (name) => createSlot(feed, name),
    dropSlot: (name) => dropSlot(feed, name),
    readHistory: (timeline) => readHistory(feed, timeline),
    stream: async (request) => startWalStream(await feed.connect(), request, { clock, statusEvery }),
    close: () => feed.close(),
  };
}

async function identify(feed: ConnectedFeed): Promise<{ systemId: string; timeline: number; position: bigint }> {
  const row = await feed.query('IDENTIFY_SYSTEM').catch((error: unknown) => {
    throw feed.translate(error);
  });
  const systemId = row['systemid'] ?? '';
  const timeline = Number(row['timeline']);
  const position = readLsn(row['xlogpos']);
  if (!/^\d{1,20}$/.test(systemId) || !Number.isInteger(timeline) || timeline < 1 || position === undefined)
    throw feed.doubt('it does not say who it is');
  return { systemId, timeline, position };
}

async function readSlot(feed: ConnectedFeed, name: string): Promise<WalSlot | undefined> {
  const read = async (): Promise<SlotRow[]> =>
    (await feed.session()).query<SlotRow>(
      "SELECT active, restart_lsn::text AS restart, wal_status AS status FROM pg_replication_slots WHERE slot_name = $1 AND slot_type = 'physical'",
      [name],
    );
  let rows: SlotRow[];
  try {
    rows = await read();
  } catch (error) {
    if (!isError(error, 'postgres-unreachable') && !isError(error, 'postgres-failed')) throw error;
    /* The session may have been lost with the server that was restarted since. */
    await feed.dropSession();
    rows = await read();
  }
  const [row] = rows;
  if (row === undefined) return undefined;
  const restart = readLsn(row.restart);
  return { active: row.active, lost: row.status === 'lost', ...(restart === undefined ? {} : { restart }) };
}

/* A type, not an interface: rows of a session are records. */
type SlotRow = { active: boolean; restart: string | null; status: string | null };

async function createSlot(feed: ConnectedFeed, name: string): Promise<void> {
  const options = feed.version >= 150_000 ? 'PHYSICAL (RESERVE_WAL)' : 'PHYSICAL RESERVE_WAL';
  await feed.query(`CREATE_REPLICATION_SLOT ${quote(name)} ${options}`).catch((error: unknown) => {
    if (!hasCode(error, '42710')) throw feed.translate(error);
  });
}

async function dropSlot(feed: ConnectedFeed, name: string): Promise<void> {
  await feed.query(`DROP_REPLICATION_SLOT ${quote(name)}`).catch((error: unknown) => {
    if (error instanceof ServerComplaint && error.code === '55006')
      throw new HoldfastError('wal-slot-active', { slot: name, reason: error.message }, error);
    if (!hasCode(error, '42704')) throw feed.translate(error);
  });
}

async function readHistory(feed: ConnectedFeed, timeline: number): Promise<{ name: string; content: Buffer }> {
  const row = await feed.query(`TIMELINE_HISTORY ${timeline}`, 'latin1').catch((error: unknown) => {
    throw feed.translate(error);
  });
  const name = row['filename'] ?? '';
  if (!/^[0-9A-F]{8}\.history$/.test(name) || Number.parseInt(name, 16) !== timeline)
    throw feed.doubt('it sends another history than was asked for');
  return { name, content: Buffer.from(row['content'] ?? '', 'latin1') };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof ServerComplaint && error.code === code;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const units: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** `16MB`, as SHOW prints it. */
function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)(B|kB|MB|GB)$/.exec(text) ?? [];
  const size = Number(digits) * (units[unit ?? ''] ?? Number.NaN);
  return Number.isInteger(size) && size >= 1024 ** 2 && size <= 1024 ** 3 && (size & (size - 1)) === 0 ? size : undefined;
}
