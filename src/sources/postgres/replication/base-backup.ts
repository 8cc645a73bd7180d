/**
 * A base backup through the replication protocol: the files of a running cluster, one after the other, as the server sends them.
 * The server's own format is a tar a tablespace; what leaves here are entries, with their contents still to be pulled.
 */
import { baseBackupCommand } from './base-backup-command.ts';
import { readEntries } from './base-entries.ts';
import { type BaseEntry, manifestName } from './base-entry.ts';
import { translateBaseError } from './base-errors.ts';
import { BaseStream } from './base-stream.ts';
import type { ReplicationConnection } from './connect-replication.ts';
import { type Conversation, type ReplicationRow, readStep, sendCommand } from './conversation.ts';
import { ProtocolFailure } from './failures.ts';
import { readLsn } from '../../../util/lsn.ts';
import { uploadManifest } from './upload-manifest.ts';
import { usualPatience } from './wire.ts';

export interface BaseBackupRequest {
  /** `fast` starts at once with a burst of writes; `spread` waits until a checkpoint at the server's usual pace is done (minutes). */
  readonly checkpoint: 'fast' | 'spread';
  /** Bytes a second that the server sends at most (32 KiB to 1 GiB; rounded to KiB); as fast as it can where absent. */
  readonly rate?: number;
  readonly label: string;
  /** The backup_manifest of the backup that this one is an increment of (PostgreSQL 17 and newer, with summarize_wal on). */
  readonly increment?: { readonly manifest: AsyncIterable<Uint8Array> };
  /** Ends the backup and the connection with it. */
  readonly signal: AbortSignal;
}

export { manifestName };
export type { BaseEntry };

export interface BaseBackup {
  readonly startLsn: bigint;
  readonly timeline: number;
  /** Those besides pg_default and pg_global. `size` in bytes, the server's estimate. */
  readonly tablespaces: readonly BaseTablespace[];
  /** The server's estimate of all bytes to come, for progress. */
  readonly estimatedSize: number;
  /**
   * Pulled once, in order: tablespaces first, then the data directory, then `backup_manifest`. Throws when the server reports checksum
   * failures, when it stops, when the connection breaks, and when what came is not whole. Content that was not pulled is skipped when the
   * next entry is asked for.
   */
  readonly entries: AsyncIterable<BaseEntry>;
  /** Where the backup ends: WAL up to there makes it consistent. Only after `entries` ended. */
  readonly end: () => BaseBackupEnd;
}

export interface BaseBackupEnd {
  readonly lsn: bigint;
  readonly timeline: number;
}

export interface BaseTablespace {
  readonly oid: string;
  readonly location: string;
  readonly size?: number;
}

/** Milliseconds in which a server that is busy, on a slow disk, sends something. */
const streamPatience = 15 * 60_000;

/**
 * Begins a base backup on a connection of its own, which can be used again after `entries` ended. Resolves when the checkpoint is done. The
 * data directory comes with the WAL that makes it consistent (in pg_wal) and with symbolic links in pg_tblspc.
 * Throws `base-increment`, `base-damaged`, `replication-lost`, `replication-protocol`, `replication-failed`, and the signal's reason.
 */
export async function baseBackup(connection: ReplicationConnection, request: BaseBackupRequest): Promise<BaseBackup> {
  const { conversation, version } = connection;
  const { wire } = conversation;
  const abort = (): void => wire.destroy(asError(request.signal.reason));
  const finish = (): void => {
    wire.patience = usualPatience;
    request.signal.removeEventListener('abort', abort);
  };
  const translate = (error: unknown): Error => translateBaseError(error, connection, request);
  request.signal.throwIfAborted();
  request.signal.addEventListener('abort', abort, { once: true });
  try {
    if (request.increment !== undefined) await uploadManifest(connection, request.increment.manifest);
    sendCommand(conversation, baseBackupCommand(request, version));
    /* A checkpoint takes as long as it takes. */
    wire.patience = undefined;
    const [start] = await expectRows(conversation);
    wire.patience = streamPatience;
    const places = await expectRows(conversation);
    const stream = new BaseStream(conversation, places.map(oidOf), version >= 150_000, await readStep(conversation));
    const tablespaces = places.map(describeTablespace).filter((found) => found !== undefined);
    return {
      ...positionOf(start),
      tablespaces,
      estimatedSize: places.reduce((sum, place) => sum + sizeOf(place), 0),
      entries: readEntries({ connection, stream, tablespaces: tablespaces.map(({ oid }) => oid), translate, finish }),
      end: () => readEnd(stream),
    };
  } catch (error) {
    finish();
    throw translate(error);
  }
}

async function expectRows(conversation: Conversation): Promise<readonly ReplicationRow[]> {
  const step = await readStep(conversation);
  if (step.type !== 'rows') throw new ProtocolFailure('it left out a result');
  return step.rows;
}

function positionOf(row: ReplicationRow | undefined): { readonly startLsn: bigint; readonly timeline: number } {
  const startLsn = readLsn(row?.['recptr']);
  const timeline = Number(row?.['tli']);
  if (startLsn === undefined || !Number.isInteger(timeline)) throw new ProtocolFailure('it gave no position');
  return { startLsn, timeline };
}

function readEnd({ end }: BaseStream): BaseBackupEnd {
  if (end === undefined) throw new TypeError('the end of a base backup was asked for before its entries ended');
  const { startLsn, timeline } = positionOf(end[0]);
  return { lsn: startLsn, timeline };
}

function oidOf(row: ReplicationRow): string | undefined {
  return row['spcoid'] ?? undefined;
}

/** The server counts in KiB. */
function sizeOf(row: ReplicationRow): number {
  return Number(row['size'] ?? 0) * 1024;
}

function describeTablespace(row: ReplicationRow): BaseTablespace | undefined {
  const oid = oidOf(row);
  return oid === undefined ? undefined : { oid, location: row['spclocation'] ?? '', size: sizeOf(row) };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
