/** Where WAL comes from: a server's replication protocol. A driver implements it; this room knows only the interface. */

/** One connection to a server, for replication. Calls are made one after the other, never at once, and none while a stream runs. */
export interface WalFeed {
  readonly server: {
    /** As `server_version_num`: 150018. */
    readonly version: number;
    /** Bytes in a WAL segment: a power of two from 1 MiB to 1 GiB. */
    readonly segmentSize: number;
  };
  /** `position`: up to where the server's WAL is flushed to its disk (on a standby: received). */
  identify(): Promise<{ readonly systemId: string; readonly timeline: number; readonly position: bigint }>;
  /** Undefined where there is no such slot. `lost`: the server has removed WAL that the slot still needed. */
  readSlot(name: string): Promise<WalSlot | undefined>;
  /** A physical slot that reserves WAL at once; succeeds if it is there. */
  createSlot(name: string): Promise<void>;
  /** Succeeds if it is not there. Throws `wal-slot-active` while somebody streams from it. */
  dropSlot(name: string): Promise<void>;
  /** The history file of a timeline above 1. */
  readHistory(timeline: number): Promise<{ readonly name: string; readonly content: Buffer }>;
  /** Starts streaming. Throws `wal-slot-active` (worth a retry: its receiver may just have died), `wal-removed` (the server no longer has it), and the driver's own errors. */
  stream(request: WalStreamRequest): Promise<WalStream>;
  /** Ends the connection, and a stream on it. */
  close(): Promise<void>;
}

export interface WalSlot {
  /** The oldest position that the slot makes the server keep. */
  readonly restart?: bigint;
  /** Somebody streams from it. */
  readonly active: boolean;
  readonly lost: boolean;
}

export interface WalStreamRequest {
  readonly slot?: string;
  readonly start: bigint;
  readonly timeline: number;
  readonly signal: AbortSignal;
}

export interface WalStream {
  /**
   * Data in order, or keep-alives, at least one a minute. Ends without an error when the timeline ended or the server shut down; throws when
   * the connection broke or nothing came for too long, and `wal-removed` and `wal-slot-lost` where that shows only now.
   */
  readonly messages: AsyncIterable<WalMessage>;
  /** Standby status: what is received, and what is safe. The server frees what is flushed. */
  confirm(position: { readonly written: bigint; readonly flushed: bigint }): void;
  /** After `messages` ended without an error: where the server went on; undefined where it simply shut down. */
  readonly next: Promise<{ readonly timeline: number; readonly switchPoint: bigint } | undefined>;
}

export interface WalMessage {
  readonly start: bigint;
  /** Empty in a keep-alive. Valid until the next message is asked for. */
  readonly bytes: Uint8Array;
  /** The end of the WAL that the server has. */
  readonly serverEnd: bigint;
  /** By the server's clock. */
  readonly sentAt: Date;
  /** The server wants a status at once. */
  readonly replyNow: boolean;
}
