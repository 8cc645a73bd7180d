/** Follows a dump in plain SQL while it streams by: whole is one that begins and ends as pg_dump writes it. */
import { ArchiveFormatError } from './archive/archive-toc.ts';

const title = '-- PostgreSQL database dump\n';
const endMark = '\n-- PostgreSQL database dump complete\n';
/** After the mark come a few lines of comment, and from 2025 on `\unrestrict` with a key. */
const tailLength = 1024;

export class ScriptReader {
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    if (this.#head.length < tailLength) this.#head = Buffer.concat([this.#head, chunk.subarray(0, tailLength)]);
    const recent = chunk.subarray(Math.max(0, chunk.length - tailLength));
    const kept = Math.max(0, tailLength - recent.length);
    this.#tail = Buffer.concat([this.#tail.subarray(Math.max(0, this.#tail.length - kept)), recent]);
  }

  /** Throws ArchiveFormatError unless the bytes so far are a whole dump. */
  finish(): void {
    if (this.#head.length === 0) throw new ArchiveFormatError('it is empty');
    if (!this.#head.toString('latin1').includes(title)) throw new ArchiveFormatError('it does not begin as a dump does');
    const tail = this.#tail.toString('latin1');
    const at = tail.lastIndexOf(endMark);
    if (at === -1 || !/^(?:--.*\n|\\unrestrict .*\n|\n)*$/.test(tail.slice(at + 1)))
      throw new ArchiveFormatError("it ends before pg_dump's end mark");
  }
}
