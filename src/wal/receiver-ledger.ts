/** What a receiver keeps count of, from one connection to the next. */
import type { Clock } from '../util/clock.ts';
import type { WalReceiverStatus } from './receiver-status.ts';
import { latestOf } from './coverage.ts';

export class ReceiverLedger {
  readonly #clock: Clock;
  state: WalReceiverStatus['state'] = 'connecting';
  systemId: string | undefined;
  timeline: number | undefined;
  received: bigint | undefined;
  shipped: bigint | undefined;
  serverEnd: bigint | undefined;
  newestMoment: Date | undefined;
  problem: string | undefined;
  connections = 0;
  segments = 0;
  parts = 0;
  bytes = 0;
  #heard: { readonly server: Date; readonly here: Date } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server said something. */
  hear(sentAt: Date, serverEnd: bigint): void {
    this.#heard = { server: sentAt, here: this.#clock.now() };
    this.serverEnd = serverEnd;
  }

  /** Everything up to here is in the repository, and everything committed until then. */
  storedUpTo(end: bigint, completeAt: Date | undefined): void {
    if (this.shipped === undefined || end > this.shipped) this.shipped = end;
    this.newestMoment = latestOf([this.newestMoment, completeAt]);
  }

  describe(): WalReceiverStatus {
    const { state, systemId, timeline, received, shipped, serverEnd, newestMoment, problem, segments, parts, bytes } = this;
    const lagBytes = serverEnd === undefined || shipped === undefined ? undefined : Math.max(0, Number(serverEnd - shipped));
    const lagMs = this.#lag();
    return {
      state,
      ...(systemId === undefined ? {} : { systemId }),
      ...(timeline === undefined ? {} : { timeline }),
      ...(received === undefined ? {} : { received }),
      ...(shipped === undefined ? {} : { shipped }),
      ...(serverEnd === undefined ? {} : { serverEnd }),
      ...(lagBytes === undefined ? {} : { lagBytes }),
      ...(lagMs === undefined ? {} : { lagMs }),
      ...(newestMoment === undefined ? {} : { newestMoment }),
      ...(problem === undefined ? {} : { problem }),
      reconnects: Math.max(0, this.connections - 1),
      segments,
      parts,
      bytes,
    };
  }

  /** By the server's clock when it was last heard, and by ours since then: the two need not agree. */
  #lag(): number | undefined {
    if (this.#heard === undefined || this.newestMoment === undefined) return undefined;
    const since = this.#clock.now().getTime() - this.#heard.here.getTime();
    return Math.max(0, this.#heard.server.getTime() - this.newestMoment.getTime() + since);
  }
}
