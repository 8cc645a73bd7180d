/** Where a command's results go: lines of text or of JSON on stdout, remarks on stderr. */

/** What is written to; both ends may go away at any time. */
export interface OutputStreams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Nobody reads stdout any more: a command that only prints may stop. */
  readonly closed: boolean;
  /** Why stdout could not be written, other than that its reader went away: a full disk. */
  readonly failure: Error | undefined;
  /** A result: the record as JSON, or its text (which may have several lines). */
  result(record: object, text: () => string): void;
  /** A finding: with --json a record on stderr, as a run's problems are; else its text, where there is any, among the results. */
  finding(record: object, text: () => string): void;
  /** For people only: left out with --json and --quiet. */
  say(text: string): void;
  /** A remark on stderr; with --json as a record. Left out with --quiet. */
  remark(text: string): void;
  /** Bytes on stdout, as they are. Resolves when there is room for more. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** Resolves when all that was written has left, or failed to: then `failure` says why. */
  flush(): Promise<void>;
}

export interface OutputChoice {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Told of every result and finding. */
  readonly onResult?: (record: object) => void;
  /** Called before anything is written, to clear a live line of progress. */
  readonly beforeWrite?: () => void;
}

/** Output on these streams. A reader that goes away (EPIPE) is no error: what is written after it is dropped. */
export function createOutput({ stdout, stderr }: OutputStreams, choice: OutputChoice): Output {
  let closed = false;
  let failure: Error | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    closed = true;
    if (error.code !== 'EPIPE') failure ??= error;
  });
  stderr.on('error', () => {});
  const { json, quiet, verbose, beforeWrite = () => {}, onResult = () => {} } = choice;
  const line = (text: string): void => {
    if (closed) return;
    beforeWrite();
    stdout.write(`${text}\n`);
  };
  return {
    json,
    quiet,
    verbose,
    get closed() {
      return closed;
    },
    get failure() {
      return failure;
    },
    result: (record, text) => {
      onResult(record);
      const printed = json ? JSON.stringify(record) : text();
      if (json || printed !== '') line(printed);
    },
    finding: (record, text) => {
      onResult(record);
      if (!json) {
        const printed = text();
        return printed === '' ? undefined : line(printed);
      }
      beforeWrite();
      stderr.write(`${JSON.stringify(record)}\n`);
    },
    say: (text) => {
      if (!json && !quiet) line(text);
    },
    remark: (text) => {
      if (quiet) return;
      beforeWrite();
      stderr.write(json ? `${JSON.stringify({ message_type: 'notice', message: text })}\n` : `${text}\n`);
    },
    flush: () => new Promise((resolve) => stdout.write('', () => setImmediate(resolve))),
    bytes: (chunk) =>
      new Promise((resolve) => {
        if (closed) return resolve();
        stdout.write(chunk, () => resolve());
      }),
  };
}
