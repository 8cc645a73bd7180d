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
  /** What was saved of this component before, newest first, for a source that stores only what changed since. Absent where everything is to be read. */
  readonly earlier?: () => AsyncIterable<EarlierCapture>;
}

export interface EarlierCapture {
  readonly snapshotId: string;
  readonly tree: CapturedTree;
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
  /**
   * How hard its bytes are compressed where the user leaves that to the program: `dense` by default, since a dump compresses well and is slower
   * to make than to compress; `fast` takes half the time and some hundredths more room, for what is large and comes at the speed of a disk.
   */
  readonly compression?: 'dense' | 'fast';
  /** Pulled one at a time; the next is asked for when the last has been read to its end. */
  readonly entries: AsyncIterable<StreamEntry>;
  /** Ids of the earlier captures that this one cannot be restored without: retention keeps them as long as it. */
  readonly needs?: readonly string[];
}

/** One file of a stream capture; or a folder or symbolic link, which have no bytes. */
export interface StreamEntry {
  /** Absolute, within the snapshot: `/postgres/northstar/database.dump`. Parent folders that no entry describes are made as needed, with mode 0o755. */
  readonly path: string;
  /** `file` unless said otherwise. A folder may be described before or after what is in it. */
  readonly type?: 'file' | 'folder' | 'link';
  /** Permission bits, setuid, setgid and sticky. Unless said otherwise 0o600 for a file, 0o755 for a folder, 0o777 for a link. */
  readonly mode?: number;
  readonly modified: Date;
  /** Who runs holdfast, unless said otherwise. */
  readonly owner?: EntryOwner;
  /** Where a link points to. */
  readonly linkTarget?: string;
  /**
   * How a file is cut into blobs. `content` (by default) finds what is the same though it has moved: for dumps and anything that grows in the
   * middle. `fixed` cuts every MiB, which costs no scan: for files that are changed in place, a page at a time.
   */
  readonly chunks?: 'content' | 'fixed';
  /** Bytes, where it is known beforehand. Only a hint that makes small files cheaper: what `open` yields counts. */
  readonly size?: number;
  /**
   * The bytes of a file; not called for anything else. Ends normally only when the source has proved them whole (exit status and end mark);
   * throws a HoldfastError otherwise, and then no snapshot is written. Chunks may be of any size.
   */
  open(): AsyncIterable<Uint8Array>;
}

/** Numbers, and the names they had where the entry came from. */
export interface EntryOwner {
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
}

/** A source whose streams can be put back. */
export interface RestorableSource<Request> extends Source {
  restore(from: CapturedTree, request: Request, context: CaptureContext): Promise<RestoreOutcome>;
}

/** What a snapshot of streams looks like to the source that restores it. */
export interface CapturedTree {
  /** Files below `path` (absolute within the snapshot), in order. */
  list(path?: string): AsyncIterable<{ readonly path: string; readonly size: number }>;
  /** Files, folders and links below `path`, each folder before what is in it. Anything else (devices, pipes) is left out. */
  entries(path?: string): AsyncIterable<CapturedEntry>;
  /** The verified bytes of one file. Throws `path-missing`. */
  read(path: string): AsyncIterable<Uint8Array>;
}

/** What a snapshot says of one entry. It comes from a repository that nobody vouches for: a reader that makes files of it checks where they go. */
export interface CapturedEntry {
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link';
  /** Permission bits, setuid, setgid and sticky. */
  readonly mode: number;
  /** Bytes; 0 for anything but a file. */
  readonly size: number;
  readonly modified: Date;
  readonly owner: EntryOwner;
  /** Only of a link. */
  readonly linkTarget?: string;
}

export interface RestoreOutcome {
  readonly facts: Readonly<Record<string, string | number>>;
}
