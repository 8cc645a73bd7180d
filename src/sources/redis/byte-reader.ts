/** Takes bytes from a connection as they are asked for: by the line, by number, or as they come. */

/** The connection ended, or sent nothing for too long. */
export class ConnectionEnded extends Error {}

const longestLine = 64 * 1024;

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Whatever comes next, never empty. Throws `ConnectionEnded` when nothing does within the time. */
  async some(patienceMs: number): Promise<Buffer> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = Buffer.alloc(0);
      return rest;
    }
    for (;;) {
      const { value, done } = await this.#next(patienceMs);
      if (done === true) throw new ConnectionEnded('the server closed the connection');
      if (value.length > 0) return Buffer.from(value.buffer, value.byteOffset, value.length);
    }
  }

  /** Puts back what was taken too much of. */
  unread(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([bytes, this.#rest]);
  }

  /** A line without its CRLF or LF. */
  async line(patienceMs: number): Promise<string> {
    let text = Buffer.alloc(0);
    for (;;) {
      const chunk = await this.some(patienceMs);
      const end = chunk.indexOf(10);
      if (end < 0) {
        text = Buffer.concat([text, chunk]);
        if (text.length > longestLine) throw new ConnectionEnded('what answers there is not Redis');
        continue;
      }
      if (end + 1 < chunk.length) this.unread(chunk.subarray(end + 1));
      return Buffer.concat([text, chunk.subarray(0, end)])
        .toString('utf8')
        .replace(/\r$/, '');
    }
  }

  /** Exactly so many bytes. */
  async exactly(count: number, patienceMs: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let left = count;
    while (left > 0) {
      const chunk = await this.some(patienceMs);
      chunks.push(chunk.subarray(0, left));
      if (chunk.length > left) this.unread(chunk.subarray(left));
      left -= chunk.length;
    }
    return Buffer.concat(chunks);
  }

  async #next(patienceMs: number): Promise<IteratorResult<Uint8Array, unknown>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new ConnectionEnded(`nothing came for ${Math.round(patienceMs / 1000)} s`)), patienceMs);
    });
    const coming = this.#source.next();
    /* When the time is up first, nobody waits for this any more. */
    coming.catch(() => {});
    try {
      return await Promise.race([coming, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
