/** What passes between the thread that leads a restore and those that do the work. Nothing is sent for a file or blob that goes well. */
import type { MasterKey } from '../crypto/master-key.ts';
import type { SharedBlobIndex } from '../index/index-memory.ts';
import type { SharedSchedule } from './blob-schedule.ts';
import type { SharedEntryTable } from './entry-table.ts';

export interface WorkerSetup {
  readonly masterKey: MasterKey;
  readonly index: SharedBlobIndex;
  readonly table: SharedEntryTable;
  readonly control: SharedArrayBuffer;
  readonly target: string;
  readonly owners: boolean;
  readonly sparse: boolean;
  readonly umask: number;
}

/** Where packs are files of this machine: what comes before and after the pack's storage key in a path, and the ids by number, 32 bytes each. */
export interface LocalPacks {
  readonly prefix: string;
  readonly ids: SharedArrayBuffer;
}

export type WorkerTask =
  /** Do jobs until there are none left. */
  | { readonly do: 'write'; readonly schedule: SharedSchedule; readonly packs: LocalPacks | undefined }
  /** One job whose bytes were fetched; answered with `free`. */
  | { readonly do: 'job'; readonly from: number; readonly to: number; readonly bytes: Uint8Array }
  /** One blob whose content was found another way; answered with `free`. */
  | { readonly do: 'content'; readonly from: number; readonly to: number; readonly bytes: Uint8Array }
  /** Answered with `free` when the files that were kept open are closed. */
  | { readonly do: 'finish' }
  /** Read files and compare them with the snapshot; `compare` marks what is right, `verify` reports what is not. */
  | { readonly do: 'compare' | 'verify'; readonly files: SharedArrayBuffer };

export type WorkerReport =
  | { readonly is: 'free' }
  | { readonly is: 'problem'; readonly entry: number; readonly reason: string }
  /** The contents `order[from…to)` could not be read. */
  | { readonly is: 'unreadable'; readonly from: number; readonly to: number }
  /** A file that was read again and is not what it should be. */
  | { readonly is: 'different'; readonly entry: number; readonly reason: string }
  /** Nothing can be written any more. */
  | { readonly is: 'stuck'; readonly entry: number; readonly code: string; readonly reason: string };

// Words of the control block; bytes are counted apart, as 64 bits.
export const controlStop = 0;
export const controlNextJob = 1;
export const controlNextQuiet = 2;
export const controlNextFile = 3;
export const controlItemsDone = 4;
/** In 64-bit words. */
export const controlBytesDone = 4;
export const controlSize = 64;
