/** How a receiver is doing: a value that can be read at any time. */

export interface WalReceiverStatus {
  readonly state: 'connecting' | 'streaming' | 'waiting' | 'ended';
  readonly systemId?: string;
  readonly timeline?: number;
  /** The end of what came from the server. */
  readonly received?: bigint;
  /** The end of what the repository has. */
  readonly shipped?: bigint;
  /** The end of what the server has, as far as is known. */
  readonly serverEnd?: bigint;
  /** WAL that the server has and the repository has not; undefined before the first connection. */
  readonly lagBytes?: number;
  /** How old the newest moment is that could be recovered. */
  readonly lagMs?: number;
  /** Everything committed until then is in the repository, by the server's clock. */
  readonly newestMoment?: Date;
  /** Connections made after the first. */
  readonly reconnects: number;
  /** Stored by this receiver. */
  readonly segments: number;
  readonly parts: number;
  /** Bytes received by this receiver. */
  readonly bytes: number;
  /** Why the last connection ended, while there is no other. */
  readonly problem?: string;
}
