/** Where WAL is kept: sealed objects beside the repository. The engine's `SealedObjects` fits; this room knows only what it needs. */
export interface WalObjects {
  /**
   * Stores an object under a name such as `wal/7350…/00000001/000000010000000000000003`: a small header (JSON) that can be read alone, and a
   * body. Durable when it resolves; replaces what is there, or throws `storage-exists` with `ifAbsent`. Returns the stored bytes.
   */
  put(
    name: string,
    header: unknown,
    body: Uint8Array,
    options?: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal },
  ): Promise<number>;
  /** Throws `storage-missing`, `damaged`. */
  get(name: string, signal?: AbortSignal): Promise<{ readonly header: unknown; readonly body: Buffer }>;
  /** Only the header, by one small read. Throws `storage-missing`, `damaged`. */
  head(name: string): Promise<unknown>;
  /** Every object whose name begins with `prefix` (which ends in `/`), in no order. */
  list(prefix: string): AsyncIterable<{ readonly name: string; readonly size: number }>;
  /** Succeeds if it is not there. */
  remove(name: string): Promise<void>;
}
