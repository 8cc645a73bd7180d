/**
 * Where a repository lies: a flat store of immutable objects under slash-separated keys such as `data/0f/0f3a…`.
 *
 * The contract, which every driver passes (`testing/contract.ts`):
 * - **Atomic.** An object is visible under its key whole or not at all, also after a crash in the middle of `put`.
 * - **Durable.** When `put` or `putFile` resolves, the object survives a power cut (fsync of file and folder on disk).
 * - **Exact.** `get` returns exactly the bytes asked for or throws; it never returns fewer. It does not verify content: the engine does.
 * - **Listed.** `list` shows every object that was put before the call began, and nothing that was only half written.
 * - **Idempotent removal.** Removing what is not there succeeds. A removal, too, is durable when it resolves.
 * - **Errors.** Everything thrown is a HoldfastError: `storage-missing`, `storage-exists`, `storage-full`, `storage-quota`, `storage-denied`, `storage-refused`,
 *   `storage-setup`, `storage-locked`, `storage-short`, `storage-key`, `storage-failed`, or `interrupted` after the signal. Only `storage-failed`
 *   and `storage-short` may be worth a retry.
 * - **Concurrent.** All calls may run at once, from several processes and hosts.
 * - **Keys** match /^[a-z0-9][a-zA-Z0-9._-]*(\/[a-zA-Z0-9][a-zA-Z0-9._-]*)*$/; a driver refuses any other with `storage-key`.
 */
export interface Storage {
  /** The address without secrets, for messages: `/backups/app`, `s3://bucket/prefix`. */
  readonly location: string;

  /** Only where objects are plain files on this machine: engine threads then read and write them without a copy. */
  readonly local?: LocalAccess;

  /** Only where objects are locked against deletion and this storage was opened with a lock. */
  readonly retention?: RetentionAccess;

  /** Only where objects may lie in an archive class, which cannot be read until they were asked for and have come back. */
  readonly archive?: ArchiveAccess;

  /** Prepares an empty place (creates the folder). Succeeds if it is there already. */
  create(): Promise<void>;

  /**
   * The whole object, or `length` bytes of it from `offset`; the caller owns the bytes. Throws `storage-missing`, and `storage-short` where the
   * range reaches past the end. More than 1 GiB in one call is refused: sizes come from a repository that nobody vouches for.
   */
  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array>;

  /** Stores an object; keeps no reference to `data`. With `ifAbsent`, throws `storage-exists` when the key is taken; without, an existing object is replaced atomically. */
  put(key: string, data: Uint8Array, options?: PutOptions): Promise<void>;

  /**
   * Stores a finished file of this machine as an object and removes the file. On local storage this is a rename.
   * After `storage-exists` the file is still there.
   */
  putFile(key: string, path: string, options?: PutOptions): Promise<void>;

  /** Size of an object, or undefined where there is none. */
  stat(key: string): Promise<ObjectInfo | undefined>;

  /** Every object whose key begins with `prefix` (a folder ending in `/`, or empty for all), in no order. A folder that does not exist is empty. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectInfo>;

  /** Removes an object; succeeds if it is not there. */
  remove(key: string): Promise<void>;

  /** Only where copies are kept on the way: forgets that of an object whose content did not match its hash, so that it is read anew. */
  invalidate?(key: string): Promise<void>;

  /** Only where it is a web server: asks it for nothing, and tells what comes with its answer. Throws `storage-failed`, `storage-setup`. */
  probe?(signal?: AbortSignal): Promise<ServerSigns>;

  /** Releases connections. No call may follow. */
  close(): Promise<void>;
}

/** What the answer of a server tells about it. */
export interface ServerSigns {
  /** Its clock, to the second. */
  readonly time?: Date;
  /** When the certificate that it showed runs out. */
  readonly certificateUntil?: Date;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface PutOptions {
  readonly ifAbsent?: boolean;
  /** It will be read soon and often: where copies are kept on the way, one is kept of it. */
  readonly readOften?: boolean;
  /** Of the content, hexadecimal, where it is known: a server that is told it takes no other content, and nobody reads a file just to hash it. */
  readonly sha256?: string;
  readonly signal?: AbortSignal;
}

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/** Objects under a lock cannot be deleted or replaced before its time: `remove` and `put` throw `storage-locked`, and nothing else happens. */
export interface RetentionAccess {
  readonly mode: 'governance' | 'compliance';
  /** For how long an object is locked when it is put, in milliseconds. */
  readonly forMs: number;
  /** Locks an object that is there until `until`, and never for a shorter time than it is already. Throws `storage-missing`. */
  extend(key: string, until: Date): Promise<void>;
  /** Until when an object is locked; undefined where it is not. Throws `storage-missing`. */
  lockedUntil(key: string): Promise<Date | undefined>;
}

export type ArchiveState = 'ready' | 'archived' | 'retrieving';

/** What it costs and how long it takes: minutes (expedited), hours (standard), up to two days (bulk). What a place does not have it takes for the next slower one. */
export type RetrievalSpeed = 'standard' | 'bulk' | 'expedited';

/** Objects in an archive class are there for `stat` and `list`, and `get` throws `storage-refused`. */
export interface ArchiveAccess {
  /** Those of an archive class, also where a copy can be read for now. */
  list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo>;
  /** Whether an object can be read now. Throws `storage-missing`. */
  stateOf(key: string, signal?: AbortSignal): Promise<ArchiveState>;
  /** Asks for it and does not wait. Succeeds where that was asked for before. This costs money. */
  retrieve(key: string, speed: RetrievalSpeed, signal?: AbortSignal): Promise<void>;
}

export interface LocalAccess {
  /** Absolute path of the object's file. */
  path(key: string): string;
  /** A folder on the same file system as the objects where a file may be built before `putFile`. Created when first asked for; what lies in it for longer than a day is a leftover of a run that died, and is removed. */
  stagingFolder(): Promise<string>;
}
