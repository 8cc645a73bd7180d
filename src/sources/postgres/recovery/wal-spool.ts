/** Hands a recovery its write-ahead log: segments are fetched ahead of the server into a folder that its restore_command takes them from. */
import { chown, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, toHoldfastError } from '../../../errors.ts';
import { fetchScript, spoolName } from './fetch-script.ts';
import { writeAs, type ServerUser } from './server-user.ts';
import type { WalSupply } from './wal-supply.ts';

export interface WalSpool {
  /** Settles when the spool cannot go on: rejects with why, which is then why the server ended too. Never resolves. */
  readonly failed: Promise<never>;
  /** How many segments the server has taken. */
  taken(): number;
  /** Nothing more is fetched, and the script says "absent" to what is not there: for a server that goes on without holdfast. */
  finish(): Promise<void>;
  /** Stops fetching; the script then fails. */
  close(): Promise<void>;
}

/** Bytes that may lie in the folder ahead of the server. */
const windowBytes = 192 * 2 ** 20;
/** Bytes of segments that are being fetched at once. */
const flightBytes = 64 * 2 ** 20;
const mostAtOnce = 4;
const pollMilliseconds = 20;

/** Makes the folder below the data directory and begins to fill it. */
export async function openWalSpool(
  dataDirectory: string,
  supply: WalSupply,
  user: ServerUser | undefined,
  signal: AbortSignal,
): Promise<WalSpool> {
  const folder = join(dataDirectory, spoolName);
  await rm(folder, { recursive: true, force: true });
  for (const path of [folder, ...['wal', 'asked', 'taken', 'absent'].map((name) => join(folder, name))]) {
    await mkdir(path, { mode: 0o700 });
    if (user !== undefined) await chown(path, user.uid, user.gid);
  }
  await writeAs(join(folder, 'fetch'), fetchScript, user, { mode: 0o700 });
  for (const { name, content } of supply.histories) await place(folder, name, content, user);
  await writeAs(join(folder, 'state'), 'running 0\n', user, { quick: true });
  return new Spool(folder, supply, user, signal);
}

class Spool implements WalSpool {
  readonly failed: Promise<never>;
  readonly #folder: string;
  readonly #supply: WalSupply;
  readonly #user: ServerUser | undefined;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #order: ReadonlyMap<string, number>;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #known: ReadonlySet<string>;
  readonly #running: Promise<void>;
  /** Index of the next segment to fetch ahead, and how many the server has had. */
  #next = 0;
  #taken = 0;

  constructor(folder: string, supply: WalSupply, user: ServerUser | undefined, signal: AbortSignal) {
    this.#folder = folder;
    this.#supply = supply;
    this.#user = user;
    this.#signal = AbortSignal.any([signal, this.#stopping.signal]);
    this.#order = new Map(supply.segments.map((name, index) => [name, index]));
    this.#known = new Set(supply.histories.map(({ name }) => name));
    const failure = Promise.withResolvers<never>();
    this.failed = failure.promise;
    this.failed.catch(() => {});
    this.#running = this.#run().catch(async (error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      await this.#say('failed').catch(() => {});
      failure.reject(error);
    });
  }

  taken(): number {
    return this.#taken;
  }

  async finish(): Promise<void> {
    await this.#stop();
    await this.#say('finished 0');
  }

  async close(): Promise<void> {
    await this.#stop();
    await this.#say('failed').catch(() => {});
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failure: unknown;
    const fail = (error: unknown): void => void (failure ??= error);
    try {
      for (let turn = 1; ; turn += 1) {
        if (this.#signal.aborted) throw new HoldfastError('interrupted', {}, this.#signal.reason);
        if (failure !== undefined) throw toHoldfastError(failure);
        if (turn % 25 === 0) await this.#say(`running ${turn}`);
        await this.#answer(fail);
        while (this.#mayFetch()) {
          const name = this.#supply.segments[this.#next];
          this.#next += 1;
          if (name !== undefined) this.#fetch(name, fail);
        }
        await sleep(pollMilliseconds);
      }
    } finally {
      await Promise.allSettled(this.#inFlight.values());
    }
  }

  /** What the script has noted since the last turn. */
  async #answer(fail: (error: unknown) => void): Promise<void> {
    for (const name of await this.#notes('taken')) {
      const index = this.#order.get(name);
      if (index !== undefined) this.#taken = Math.max(this.#taken, index + 1);
    }
    for (const name of await this.#notes('asked')) {
      const index = this.#order.get(name);
      if (index !== undefined) {
        // Also one that was taken before: a server that was started again begins at an earlier one.
        this.#fetch(name, fail);
        this.#next = Math.max(this.#next, index + 1);
      } else if (!this.#known.has(name)) await writeAs(join(this.#folder, 'absent', name), '', this.#user, { quick: true });
    }
  }

  async #notes(kind: 'asked' | 'taken'): Promise<string[]> {
    const names = await readdir(join(this.#folder, kind));
    for (const name of names) await rm(join(this.#folder, kind, name), { force: true });
    return names;
  }

  #mayFetch(): boolean {
    const { segmentSize, segments } = this.#supply;
    const ahead = Math.max(2, Math.floor(windowBytes / segmentSize));
    const atOnce = Math.max(1, Math.min(mostAtOnce, Math.floor(flightBytes / segmentSize)));
    return this.#next < segments.length && this.#next < this.#taken + ahead && this.#inFlight.size < atOnce;
  }

  #fetch(name: string, fail: (error: unknown) => void): void {
    if (this.#inFlight.has(name)) return;
    const fetching = this.#supply
      .readSegment(name, this.#signal)
      .then((bytes) => place(this.#folder, name, bytes, this.#user))
      .catch(fail)
      .finally(() => this.#inFlight.delete(name));
    this.#inFlight.set(name, fetching);
  }

  #say(state: string): Promise<void> {
    return writeAs(join(this.#folder, 'state'), `${state}\n`, this.#user, { quick: true });
  }
}

/** Under its name only once it is whole, and the server's own: it is a segment of its log from then on. */
async function place(folder: string, name: string, content: Uint8Array, user: ServerUser | undefined): Promise<void> {
  const temporary = join(folder, `new-${name}`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    if (user !== undefined) await file.chown(user.uid, user.gid);
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, 'wal', name));
}
