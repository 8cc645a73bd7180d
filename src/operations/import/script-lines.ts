/** SQL as pg_dump writes it, line by line. */
const newline = 10;
/** A row of COPY has at most a gigabyte. */
const longestLine = 1024 ** 3 + 1024 ** 2;

/** Lines with their ends, as many at a time as come together. */
export async function* readLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Buffer[], void, undefined> {
  let open: Buffer[] = [];
  let openLength = 0;
  for await (const chunk of bytes) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = buffer.indexOf(newline); at !== -1; at = buffer.indexOf(newline, from)) {
      const line = buffer.subarray(from, at + 1);
      lines.push(open.length === 0 ? line : Buffer.concat([...open, line]));
      open = [];
      openLength = 0;
      from = at + 1;
    }
    if (from < buffer.length) {
      open.push(Buffer.from(buffer.subarray(from)));
      openLength += buffer.length - from;
      if (openLength > longestLine) throw new RangeError('a line of it has no end');
    }
    if (lines.length > 0) yield lines;
  }
  if (open.length > 0) yield [Buffer.concat(open)];
}
