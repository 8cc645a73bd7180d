import type { Client, SFTPWrapper } from 'ssh2';

/** How a call of SFTP tells its end. */
export type Done<Result> = (error: Error | null | undefined, result?: Result) => void;

/* Writing 128 MiB out to a slow disk takes longer than any other request. */
const patientSilences = 5;

/** One connection and its SFTP. Every request ends: by an answer, with the connection, or when no answer to anything came for too long. */
export class SftpConnection {
  readonly sftp: SFTPWrapper;
  readonly #client: Client;
  readonly #watchdog: NodeJS.Timeout;
  readonly #waiting = new Set<(failure: Error) => void>();
  readonly #closed: Promise<void>;
  #patient = 0;
  #silences = 0;
  #failure: Error | undefined;

  constructor(client: Client, sftp: SFTPWrapper, silenceLimit: number) {
    this.#client = client;
    this.sftp = sftp;
    this.#watchdog = setTimeout(() => this.#onSilence(silenceLimit), silenceLimit).unref();
    const broken = (reason: string) => (error?: Error) => this.fail(error ?? new Error(reason));
    client.on('error', broken('the connection broke'));
    sftp.on('error', broken('SFTP broke'));
    sftp.on('close', () => this.fail(new Error('the server ended SFTP')));
    this.#closed = new Promise((resolve) => {
      client.on('close', () => {
        this.fail(new Error('the server closed the connection'));
        resolve();
      });
    });
  }

  /** False once it is of no more use. */
  get isAlive(): boolean {
    return this.#failure === undefined;
  }

  /**
   * One request.
   * @param options `patient`: it may take minutes, such as writing out to a disk
   * @throws what the server answers, or a plain error where the connection is broken
   */
  request<Result = void>(start: (done: Done<Result>) => void, options: { readonly patient?: boolean } = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const settle = (): void => {
        this.#waiting.delete(fail);
        if (options.patient === true) this.#patient -= 1;
        this.#heard();
      };
      const fail = (failure: Error): void => {
        settle();
        reject(failure);
      };
      if (this.#waiting.size === 0) this.#heard();
      this.#waiting.add(fail);
      if (options.patient === true) this.#patient += 1;
      try {
        start((error, result) => {
          if (!this.#waiting.has(fail)) return;
          settle();
          // "No response" of a broken connection is told without saying why.
          if (error) reject(this.#failure ?? error);
          else resolve(result as Result);
        });
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
      return undefined;
    });
  }

  /** Gives the connection up: whatever waits fails so. */
  fail(failure: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    clearTimeout(this.#watchdog);
    for (const fail of this.#waiting) fail(failure);
    this.#client.destroy();
  }

  /** Ends it in good order. */
  async close(): Promise<void> {
    if (this.#failure === undefined) this.#client.end();
    this.fail(new Error('it was closed'));
    await this.#closed;
  }

  #heard(): void {
    this.#silences = 0;
    if (this.#failure === undefined) this.#watchdog.refresh();
  }

  #onSilence(limit: number): void {
    if (this.#waiting.size > 0) {
      this.#silences += 1;
      if (this.#silences >= (this.#patient > 0 ? patientSilences : 1))
        return this.fail(new Error(`the server has not answered for ${(limit * this.#silences) / 1000} s`));
    }
    this.#watchdog.refresh();
    return undefined;
  }
}

/** What a server answered with, by the numbers of the protocol; undefined where it is no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** The answers of the protocol that mean something to us. */
export const sftpStatus = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5, unsupported: 8 } as const;

/** True for an answer of one of these kinds. */
export function answered(error: unknown, ...statuses: readonly number[]): boolean {
  const status = statusOf(error);
  return status !== undefined && statuses.includes(status);
}
