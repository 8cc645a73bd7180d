/**
 * What an application is made of: each component is a source that can describe itself, be captured as a tree of entries,
 * and be restored from one.
 *
 * A capture comes in one of two shapes, because they meet the engine differently:
 * - a *tree* (files, a volume, a data directory) is walked inside the engine thread, where a promise a file would cost more than the file;
 * - *streams* (a dump's output, a replication socket) are produced by the source, one after the other, and pulled with back-pressure.
 */
import type { EventSink } from '../events.ts';

export interface Source {
  /** `files`, `postgres`, … */
  readonly kind: string;
  /** The component's name within its application: `database`, `uploads`. */
  readonly component: string;
  /** Versions, sizes and addresses (without secrets) for the manifest. May connect; throws a HoldfastError when the source cannot be reached. */
  describe(): Promise<SourceDescription>;
  /** Begins a capture. What it returns is pulled once. */
  capture(context: CaptureContext): Promise<Capture>;
}

export interface SourceDescription {
  readonly kind: string;
  readonly component: string;
  /** For people: `database northstar on localhost:5432`. Never a secret. */
  readonly title: string;
  /** Tool and server versions, counts, whatever a drill can compare later. */
  readonly facts: Readonly<Record<string, string | number>>;
}

export interface CaptureContext {
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

export type Capture = TreeCapture | StreamCapture;

export interface TreeCapture {
  readonly shape: 'tree';
  /** Absolute paths, in the order given by the user. Bytes that are not UTF-8 are carried as lone surrogates U+DC80–U+DCFF (util/path-bytes.ts). */
  readonly roots: readonly string[];
  /** What to leave out, in restic's pattern language (engine/tree/… compiles them). */
  readonly select: TreeSelection;
}

export interface TreeSelection {
  readonly exclude?: readonly string[];
  readonly excludeInsensitive?: readonly string[];
  /** Leave out folders that hold a CACHEDIR.TAG with the right signature. */
  readonly excludeCaches?: boolean;
  /** Leave out folders that hold one of these files: `NAME` or `NAME:first line`. */
  readonly excludeIfPresent?: readonly string[];
  /** Leave out files of more than this many bytes. */
  readonly excludeLargerThan?: number;
  readonly oneFileSystem?: boolean;
}

export interface StreamCapture {
  readonly shape: 'streams';
  /** Pulled one at a time; the next is asked for when the last has been read to its end. */
  readonly entries: AsyncIterable<StreamEntry>;
}

export interface StreamEntry {
  /** Absolute, within the snapshot: `/postgres/northstar/database.dump`. Parent folders are made as needed. */
  readonly path: string;
  /** Permission bits, 0o600 unless said otherwise. */
  readonly mode?: number;
  readonly modified: Date;
  /**
   * The bytes. Ends normally only when the source has proved them whole (exit status and end mark); throws a HoldfastError
   * otherwise, and then no snapshot is written. Chunks may be of any size.
   */
  open(): AsyncIterable<Uint8Array>;
}

/** A source whose streams can be put back. */
export interface RestorableSource<Request> extends Source {
  restore(from: CapturedTree, request: Request, context: CaptureContext): Promise<RestoreOutcome>;
}

/** What a snapshot of streams looks like to the source that restores it. */
export interface CapturedTree {
  /** Files below `path` (absolute within the snapshot), in order. */
  list(path?: string): AsyncIterable<{ readonly path: string; readonly size: number }>;
  /** The verified bytes of one file. Throws `path-missing`. */
  read(path: string): AsyncIterable<Uint8Array>;
}

export interface RestoreOutcome {
  readonly facts: Readonly<Record<string, string | number>>;
}
