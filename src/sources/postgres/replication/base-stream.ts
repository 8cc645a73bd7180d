/**
 * The copy stream of BASE_BACKUP, taken apart into its archives and the manifest: before PostgreSQL 15 each is a copy of its own, in the
 * order of the tablespaces; from 15 on all are in one, whose messages begin with a letter that says what they are.
 */
import { type Conversation, type ReplicationRow, type Step, distrust, hearOut, nextPart, readStep } from './conversation.ts';
import { ProtocolFailure } from './failures.ts';
import type { WirePart } from './wire.ts';

/** Undefined: the archive of the data directory. */
export type BasePart = { readonly type: 'archive'; readonly tablespace: string | undefined } | { readonly type: 'manifest' };

/** The name of an archive and its location: paths. */
const longestName = 64 * 1024;

export class BaseStream {
  readonly #conversation: Conversation;
  readonly #isTyped: boolean;
  /** Before 15: what is still to come, in order. */
  readonly #expected: BasePart[];
  /** From 15 on: the part whose beginning was met while the one before it was read. */
  #met: BasePart | undefined;
  #inCopy = false;
  /** The CopyData message under way is content. */
  #inData = false;
  #end: readonly ReplicationRow[] | undefined;

  /** `tablespaces` in the order of the server's list, undefined for the data directory. `first`: the step after that list. */
  constructor(conversation: Conversation, tablespaces: readonly (string | undefined)[], isTyped: boolean, first: Step) {
    this.#conversation = conversation;
    this.#isTyped = isTyped;
    this.#expected = [...tablespaces.map((tablespace) => ({ type: 'archive' as const, tablespace })), { type: 'manifest' }];
    if (first.type !== 'copy-out') throw new ProtocolFailure('it began no copy where one was due');
    this.#inCopy = true;
  }

  /** The last result, after `openPart` returned undefined. */
  get end(): readonly ReplicationRow[] | undefined {
    return this.#end;
  }

  /** The next archive or the manifest, once the one before it was read to its end; undefined after the last. */
  async openPart(): Promise<BasePart | undefined> {
    if (this.#end !== undefined) return undefined;
    if (this.#isTyped) {
      /* Before the first archive there is nothing to read, and after the last there is the end. */
      if (this.#met === undefined && this.#inCopy && (await this.nextPiece()) !== undefined)
        throw new ProtocolFailure('it sent content before any archive');
      const part = this.#met;
      this.#met = undefined;
      return part ?? (await this.#readEnd());
    }
    if (!this.#inCopy) {
      const step = await readStep(this.#conversation);
      if (step.type !== 'copy-out') return this.#readEnd(step);
      this.#inCopy = true;
    }
    const part = this.#expected.shift();
    if (part === undefined) throw new ProtocolFailure('it sent more archives than it had announced');
    return part;
  }

  /** The next bytes of the part that is open; undefined at its end. */
  async nextPiece(): Promise<Buffer | undefined> {
    if (!this.#inCopy || this.#met !== undefined) return undefined;
    for (;;) {
      const part = await nextPart(this.#conversation);
      if (part.type === 'c') {
        this.#inCopy = false;
        return undefined;
      }
      if (part.type === 'E') throw await hearOut(this.#conversation, part.body);
      if (!('first' in part)) throw distrust(this.#conversation, part);
      if (!this.#isTyped) return part.body;
      const piece = this.#inData && !part.first ? part.body : await this.#begin(part);
      if (piece !== undefined && piece.length > 0) return piece;
      if (this.#met !== undefined) return undefined;
    }
  }

  /** The first piece of a message: its letter, and what follows. */
  async #begin(part: WirePart & { readonly last: boolean }): Promise<Buffer | undefined> {
    const letter = String.fromCharCode(part.body[0] ?? 0);
    this.#inData = letter === 'd';
    if (letter === 'd') return part.body.subarray(1);
    const rest = await this.#gather(part);
    if (letter === 'n') this.#met = archiveOf(rest);
    else if (letter === 'm') this.#met = { type: 'manifest' };
    else if (letter !== 'p') throw distrust(this.#conversation, { type: letter, body: part.body });
    return undefined;
  }

  async #gather(begin: WirePart & { readonly last: boolean }): Promise<Buffer> {
    const pieces = [begin.body.subarray(1)];
    let size = begin.body.length;
    for (let isLast = begin.last; !isLast;) {
      const part = await nextPart(this.#conversation);
      if (!('first' in part)) throw distrust(this.#conversation, part);
      size += part.body.length;
      if (size > longestName) throw distrust(this.#conversation, part);
      pieces.push(part.body);
      isLast = part.last;
    }
    return Buffer.concat(pieces);
  }

  async #readEnd(begun?: Step): Promise<undefined> {
    if (!this.#isTyped && this.#expected.length > 0) throw new ProtocolFailure('it ended before all archives were sent');
    let rows: readonly ReplicationRow[] = [];
    for (let step = begun ?? (await readStep(this.#conversation)); step.type !== 'ready'; step = await readStep(this.#conversation)) {
      if (step.type !== 'rows') throw new ProtocolFailure('it began a copy where none was due');
      if (step.rows.length > 0) rows = step.rows;
    }
    this.#end = rows;
  }
}

function archiveOf(message: Buffer): BasePart {
  const name = message.toString('utf8').split('\0')[0] ?? '';
  if (name === 'base.tar') return { type: 'archive', tablespace: undefined };
  const oid = /^(\d{1,10})\.tar$/.exec(name)?.[1];
  if (oid === undefined) throw new ProtocolFailure(`it sent an archive named "${name.slice(0, 80)}"`);
  return { type: 'archive', tablespace: oid };
}
