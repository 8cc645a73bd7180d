/** The blobs of one file while they are being stored. */
export class FileContent {
  /** Hashes in order. */
  readonly blobs: string[] = [];
  readonly #onComplete: () => void;
  #expected = 0;
  #closed = false;

  /** @param onComplete called once, when the file is closed and every blob has its hash. */
  constructor(onComplete: () => void) {
    this.#onComplete = onComplete;
  }

  /** One more blob is under way. */
  expect(): void {
    this.#expected += 1;
  }

  add(hash: string): void {
    this.blobs.push(hash);
    this.#completeIfDone();
  }

  /** No more blobs will come. */
  close(): void {
    this.#closed = true;
    this.#completeIfDone();
  }

  #completeIfDone(): void {
    if (this.#closed && this.blobs.length === this.#expected) this.#onComplete();
  }
}
