/** START_REPLICATION: WAL as the server writes it, and our confirmations back. */
import { HoldfastError } from '../../../errors.ts';
import type { Clock } from '../../../util/clock.ts';
import { ServerComplaint } from '../server-errors.ts';
import type { ReplicationConnection } from './connect-replication.ts';
import { type Conversation, type ReplicationRow, type Step, distrust, hearOut, nextPart, readStep, sendCommand } from './conversation.ts';
import { readLsn, formatLsn } from '../../../util/lsn.ts';
import { translateReplicationError } from './replication-errors.ts';
import { type WalMessage, encodeStatus, readWalMessage } from './wal-message.ts';
import { usualPatience } from './wire.ts';
import { ProtocolFailure, WireFailure } from './failures.ts';

export interface WalStreamRequest {
  readonly slot?: string;
  readonly start: bigint;
  readonly timeline: number;
  readonly signal: AbortSignal;
}

export interface ServerWalStream {
  /** Data in order, or a keep-alive (then `bytes` is empty). Pulled once. */
  readonly messages: AsyncIterable<WalMessage>;
  /** Standby status. */
  confirm(position: { readonly written: bigint; readonly flushed: bigint }): void;
  /** After messages ended without an error: the server went on to another timeline; undefined where it shut down. */
  readonly next: Promise<NextTimeline | undefined>;
}

export interface NextTimeline {
  readonly timeline: number;
  readonly switchPoint: bigint;
}

export interface StreamPace {
  readonly clock: Clock;
  /** Milliseconds after which the server hears of us without being asked; it gives up on whom it does not hear for wal_sender_timeout (60 s by default). */
  readonly statusEvery: number;
}

/** So many times nothing came in that while: ask whether the server is still there; then, give up. */
const quietBeforeAsking = 3;
const quietBeforeGivingUp = 6;

/** Begins. Throws `wal-slot-active`, `wal-slot-lost`, `wal-removed` and `replication-*`, here or while messages are pulled. */
export async function startWalStream(
  connection: ReplicationConnection,
  request: WalStreamRequest,
  pace: StreamPace,
): Promise<ServerWalStream> {
  const { conversation } = connection;
  const { slot, start, timeline, signal } = request;
  const translate = (error: unknown): Error => translateStreamError(error, connection, request);
  signal.throwIfAborted();
  const abort = (): void => conversation.wire.destroy(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  signal.addEventListener('abort', abort, { once: true });
  const release = (): void => signal.removeEventListener('abort', abort);
  try {
    const named = slot === undefined ? '' : `SLOT "${slot.replaceAll('"', '""')}" `;
    sendCommand(conversation, `START_REPLICATION ${named}PHYSICAL ${formatLsn(start)} TIMELINE ${timeline}`);
    const step = await readStep(conversation);
    conversation.wire.patience = undefined;
    return new RunningStream({ conversation, ...pace, translate, release }, step).describe();
  } catch (error) {
    release();
    throw translate(error);
  }
}

interface StreamParts extends StreamPace {
  readonly conversation: Conversation;
  readonly translate: (error: unknown) => Error;
  readonly release: () => void;
}

class RunningStream {
  readonly #parts: StreamParts;
  readonly #first: Step;
  readonly #next = Promise.withResolvers<NextTimeline | undefined>();
  #confirmed = { written: 0n, flushed: 0n };
  #isRunning = true;
  #isPulled = false;
  #quiet = 0;

  constructor(parts: StreamParts, first: Step) {
    this.#parts = parts;
    this.#first = first;
  }

  describe(): ServerWalStream {
    return {
      messages: this.#read(),
      confirm: (position) => {
        this.#confirmed = position;
        this.#sendStatus(false);
      },
      next: this.#next.promise,
    };
  }

  async *#read(): AsyncGenerator<WalMessage, void, undefined> {
    const { conversation, translate, release } = this.#parts;
    const timer = setInterval(() => this.#tick(), this.#parts.statusEvery);
    timer.unref();
    let isOver = false;
    try {
      /* Where the timeline ends exactly at the start there is nothing to copy. */
      if (this.#first.type === 'copy-both') {
        for (let message = await this.#pull(); message !== undefined; message = await this.#pull()) yield message;
      } else if (this.#first.type !== 'rows') throw new ProtocolFailure('it did not begin to stream');
      isOver = true;
      conversation.wire.patience = usualPatience;
      this.#next.resolve(await this.#readNext());
    } catch (error) {
      throw translate(error);
    } finally {
      clearInterval(timer);
      release();
      this.#isRunning = false;
      this.#next.resolve(undefined);
      if (!isOver) conversation.wire.destroy(new WireFailure('the stream was given up'));
    }
  }

  /** The next message; undefined at the end of the stream. */
  async #pull(): Promise<WalMessage | undefined> {
    const { conversation } = this.#parts;
    const pieces: Buffer[] = [];
    for (;;) {
      this.#isPulled = true;
      const part = await nextPart(conversation);
      this.#isPulled = false;
      this.#quiet = 0;
      if ('first' in part) {
        if (part.first && part.last) return readWalMessage(part.body);
        pieces.push(part.body);
        if (part.last) return readWalMessage(Buffer.concat(pieces));
      } else if (part.type === 'c') {
        conversation.wire.send('c', Buffer.alloc(0));
        return undefined;
      } else if (part.type === 'C') {
        /* The server shuts down, having sent everything. */
        conversation.wire.destroy(new WireFailure('the server shut down'));
        return undefined;
      } else throw part.type === 'E' ? await hearOut(conversation, part.body) : distrust(conversation, part);
    }
  }

  async #readNext(): Promise<NextTimeline | undefined> {
    const { conversation } = this.#parts;
    if (!conversation.wire.isOpen) return undefined;
    let found: ReplicationRow | undefined;
    let step: Step = this.#first.type === 'rows' ? this.#first : await readStep(conversation);
    for (; step.type !== 'ready'; step = await readStep(conversation)) {
      if (step.type !== 'rows') throw new ProtocolFailure('it began a copy where none was due');
      found = step.rows[0] ?? found;
    }
    const timeline = Number(found?.['next_tli'] ?? 0);
    const switchPoint = readLsn(found?.['next_tli_startpos']);
    return timeline > 0 && switchPoint !== undefined ? { timeline, switchPoint } : undefined;
  }

  #tick(): void {
    /* Only while somebody waits for messages is it the server that is quiet. */
    this.#quiet = this.#isPulled ? this.#quiet + 1 : 0;
    if (this.#quiet >= quietBeforeGivingUp) {
      const seconds = (quietBeforeGivingUp * this.#parts.statusEvery) / 1000;
      this.#parts.conversation.wire.destroy(new WireFailure(`nothing came from the server for ${seconds} s`));
    } else this.#sendStatus(this.#quiet >= quietBeforeAsking);
  }

  #sendStatus(wantsReply: boolean): void {
    if (!this.#isRunning || this.#first.type !== 'copy-both') return;
    const { conversation, clock } = this.#parts;
    conversation.wire.send('d', encodeStatus({ ...this.#confirmed, at: clock.now(), wantsReply }));
  }
}

function translateStreamError(error: unknown, { place }: ReplicationConnection, { slot = '', start, signal }: WalStreamRequest): Error {
  if (error instanceof ServerComplaint) {
    const reason = error.message;
    if (error.code === '55006') return new HoldfastError('wal-slot-active', { slot, reason }, error);
    if (error.code === '58P01') return new HoldfastError('wal-removed', { position: formatLsn(start), reason }, error);
    if (error.code === '55000' && slot !== '' && !/logical/.test(reason)) return new HoldfastError('wal-slot-lost', { slot }, error);
    if (/is not in this server's history|is ahead of the WAL flush position/.test(reason))
      return new HoldfastError('wal-diverged', { reason }, error);
  }
  return translateReplicationError(error, place, signal);
}
