/** What the main thread hands to the threads of a backup when it starts them, and what they send back. */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { HoldfastError, type ErrorCode, type ErrorDetails } from '../../errors.ts';
import type { TreeCapture } from '../../sources/source.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { Sealer } from '../crypto/sealer.ts';
import { BlobIndex } from '../index/blob-index.ts';
import type { SharedBlobIndex } from '../index/index-memory.ts';
import { ZstdCodec, type Compression } from '../pack/zstd-codec.ts';
import type { BlobType } from '../pack/pack-header.ts';
import { BackupAborted } from './job-queue.ts';
import { PackWriter, type FinishedPack } from './pack-writer.ts';
import { threadMemory, type SharedState } from './shared-state.ts';

export interface ThreadStart {
  readonly shared: SharedState;
  readonly index: SharedBlobIndex;
  readonly masterKey: MasterKey;
  /** 0 is the engine thread, 1… the workers. */
  readonly thread: number;
  readonly threads: number;
  readonly stagingPrefix: string;
  readonly compression: Compression | 'off';
  /** Hash and look up, but write nothing. */
  readonly dryRun: boolean;
}

export interface EngineStart extends ThreadStart {
  readonly polynomial: bigint;
  readonly work: EngineWork;
  readonly withAtime: boolean;
  /** The engine's end of the mailbox. */
  readonly mailbox: MessagePort;
  readonly parentTree: string | undefined;
  readonly reuseEntries: boolean;
  /** 32 bytes a pack, by pack number: so that parent trees can be found. */
  readonly packIds: Uint8Array;
  /** Where a pack's file lies, up to its key, on storage of this machine. */
  readonly localFolder: string | undefined;
}

export type EngineWork = { readonly kind: 'tree'; readonly capture: TreeCapture } | { readonly kind: 'streams'; readonly time: bigint };

export interface WriterTotals {
  readonly blobs: number;
  readonly plain: number;
  readonly stored: number;
}

export interface EngineResult {
  readonly tree: string;
  readonly trees: WriterTotals;
  readonly statistics: Statistics;
  /** False where files may have attributes that could not be read here. */
  readonly sawAttributes: boolean;
}

/** What a backup met, counted by the engine thread. */
export interface Statistics {
  filesNew: number;
  filesChanged: number;
  filesUnmodified: number;
  dirsNew: number;
  dirsChanged: number;
  dirsUnmodified: number;
  bytes: number;
}

export type ThreadMessage =
  /** So many workers are worth their start now. */
  | { readonly type: 'workers'; readonly wanted: number }
  | { readonly type: 'pack'; readonly pack: FinishedPack }
  | { readonly type: 'problem'; readonly path: string; readonly reason: string }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'blobs'; readonly totals: WriterTotals }
  | { readonly type: 'engine'; readonly result: EngineResult }
  /** The run is over for this thread, which waits for the next. */
  | { readonly type: 'ended' }
  | {
      readonly type: 'failed';
      readonly code: ErrorCode | undefined;
      readonly details: ErrorDetails;
      readonly message: string;
      readonly errno: string | undefined;
    };

/** The port to the main thread. */
export function mainPort(): MessagePort {
  if (!parentPort) throw new Error('this file runs in a worker thread only');
  return parentPort;
}

/** What both kinds of thread begin with. */
export function startThread(start: ThreadStart, type: BlobType): { index: BlobIndex; sealer: Sealer; writer: PackWriter } {
  const memory = threadMemory(start.thread);
  const sealer = new Sealer(start.masterKey, start.shared.memory, memory.scratch);
  const index = new BlobIndex(start.index);
  const writer = new PackWriter({
    type,
    masterKey: start.masterKey,
    sealer,
    codec: new ZstdCodec(start.compression === 'off' ? 'auto' : start.compression),
    memory,
    shared: start.shared,
    stagingPrefix: `${start.stagingPrefix}${start.thread}-`,
    compress: start.compression !== 'off',
    port: mainPort(),
    index,
  });
  return { index, sealer, writer };
}

/** Does a thread's part of each run that the main thread sends. After one that failed the thread ends; being aborted is no failure of its own. */
export function serveRuns<Start>(work: (start: Start) => void): void {
  const port = mainPort();
  port.on('message', (start: Start) => {
    try {
      work(start);
      port.postMessage({ type: 'ended' } satisfies ThreadMessage);
    } catch (error) {
      if (!(error instanceof BackupAborted)) port.postMessage(describeFailure(error));
      port.close();
    }
  });
}

function describeFailure(error: unknown): ThreadMessage {
  const errno: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const known = error instanceof HoldfastError ? error : undefined;
  return {
    type: 'failed',
    code: known?.code,
    details: known?.details ?? {},
    message: error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error),
    errno: known === undefined && typeof errno === 'string' ? errno : undefined,
  };
}
