/** The write-ahead log that a recovery is to replay, wherever it is kept. */
export interface WalSupply {
  /** Bytes of a segment. */
  readonly segmentSize: number;
  /** The segments in the order the server will ask for them, and no others: what is not among them counts as absent. */
  readonly segments: readonly string[];
  /** Every timeline's history that is known, also of timelines that the recovery does not follow: the server must not choose their numbers anew. */
  readonly histories: readonly { readonly name: string; readonly content: Uint8Array }[];
  /** A whole segment; what is not known of it yet is zeros. Throws where it is not there, or not as it was. */
  readSegment(name: string, signal: AbortSignal): Promise<Uint8Array>;
}
