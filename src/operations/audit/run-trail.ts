/**
 * What one run writes into the audit trails of the repositories that it opens. It never makes the run fail: what cannot be written waits on this
 * host for a run that can, and a notice says so.
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Repository } from '../../engine/repository.ts';
import { reasonOf } from '../../errors.ts';
import { appendRecord, type AuditTrail } from '../../observe/audit/append-record.ts';
import { type AuditActor, type AuditEntry, type AuditEvent, decodeEntry } from '../../observe/audit/audit-record.ts';
import { nameSnapshots } from '../../observe/audit/recorded-snapshots.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Clock } from '../../util/clock.ts';
import { type JsonObject, readObject, readString } from '../../util/wire.ts';
import { compareKeys, readKeys, type ConfigurationKeys } from './configuration-keys.ts';
import { holdOpen } from './hold-open.ts';
import { openTrail, trailKey } from './repository-trail.ts';

export interface RunTrailOptions {
  readonly event: AuditEvent;
  /** When the first record is written: as soon as a repository is open, when the plan is known, or only when all is over. */
  readonly first: 'opened' | 'planned' | 'ended';
  readonly run: string;
  readonly by: AuditActor;
  /** The command and what it was given. */
  readonly what: JsonObject;
  readonly catalog: Catalog | undefined;
  readonly clock: Clock;
  readonly onNotice: (message: string) => void;
}

interface OpenedRepository {
  readonly trail: AuditTrail;
  readonly key: string;
  readonly location: string;
  /** Once a write has failed, no other is tried. */
  failed: boolean;
  /** What has waited and what has changed was written. */
  caughtUp: boolean;
}

interface ConfigurationChange {
  readonly file: string;
  readonly sha256: string;
  readonly before: string | undefined;
  readonly keys: ConfigurationKeys;
}

const witnessEveryMs = 86_400_000;

export class RunTrail {
  readonly #options: RunTrailOptions;
  readonly #opened: OpenedRepository[] = [];
  readonly #releases: (() => Promise<void>)[] = [];
  /** Ids of snapshots, by the place that they were stored in. */
  readonly #stored = new Map<string, string[]>();
  #configuration: string | undefined;

  constructor(options: RunTrailOptions) {
    this.#options = options;
  }

  /** The configuration file that the run goes by. */
  configured(file: string): void {
    this.#configuration = file;
  }

  /** The place of a repository, held open until `close`. */
  around(storage: Storage): Storage {
    const stored = this.#stored.get(storage.location) ?? [];
    this.#stored.set(storage.location, stored);
    const held = holdOpen(storage, (key) => {
      const id = /^snapshots\/([0-9a-f]{64})$/.exec(key)?.[1];
      if (id !== undefined) stored.push(id);
    });
    this.#releases.push(held.release);
    return held.storage;
  }

  async opened(repository: Repository): Promise<void> {
    const [trail, key] = [openTrail(repository, this.#options.catalog), trailKey(repository)];
    const opened = { trail, key, location: repository.location, failed: false, caughtUp: false };
    this.#opened.push(opened);
    if (this.#options.first === 'opened') await this.#write(opened, () => this.#entry('begun', {}));
  }

  /** Called before the plan is carried out. */
  async planned(plan: unknown): Promise<void> {
    if (this.#options.first !== 'planned') return;
    for (const opened of this.#opened) await this.#write(opened, () => this.#entry('begun', { plan }));
  }

  async ended(result: JsonObject, plan?: unknown): Promise<void> {
    for (const opened of this.#opened) {
      const snapshots = nameSnapshots(this.#stored.get(opened.location) ?? []);
      await this.#write(opened, () => this.#entry('ended', { result: { ...result, snapshots }, ...(plan === undefined ? {} : { plan }) }));
    }
  }

  /** Releases what was held open. */
  async close(): Promise<void> {
    for (const release of this.#releases.splice(0)) await release().catch(() => {});
  }

  #entry(phase: AuditEntry['phase'], more: Partial<AuditEntry>): AuditEntry {
    const { event, run, by, what, clock } = this.#options;
    return { event, phase, run, by, at: clock.now(), what, ...more };
  }

  /** The entry is made when its turn has come, so that times are in order. */
  async #write(opened: OpenedRepository, makeEntry: () => AuditEntry): Promise<void> {
    if (!opened.failed) {
      try {
        await this.#catchUp(opened);
        await appendRecord(opened.trail, makeEntry(), { witness: this.#isWitness(opened) });
        return;
      } catch (error) {
        opened.failed = true;
        this.#tell(opened, error);
      }
    }
    softly(() => this.#options.catalog?.auditWaiting.add(JSON.stringify({ ...makeEntry(), late: true }), opened.key));
  }

  /** What waited on this host, and whether the configuration is another one than the last time. */
  async #catchUp(opened: OpenedRepository): Promise<void> {
    if (opened.caughtUp) return;
    opened.caughtUp = true;
    const { catalog } = this.#options;
    for (const { number, text } of softly(() => catalog?.auditWaiting.list(opened.key)) ?? []) {
      const entry = decodeEntry(text);
      if (entry !== undefined) await appendRecord(opened.trail, entry);
      softly(() => catalog?.auditWaiting.remove(number));
    }
    const change = this.#findChange(opened);
    if (change === undefined) return;
    const { file, sha256, before, keys } = change;
    const known = readNoted(softly(() => catalog?.notes.get(keysNoteOf(opened, file))));
    const keysChanged = known === undefined ? {} : { keys: compareKeys(known, keys) };
    const what = { file, sha256, before: before ?? null, ...keysChanged };
    await appendRecord(opened.trail, { ...this.#entry('ended', {}), event: 'configuration', what });
    softly(() => catalog?.notes.set(noteOf(opened, file), sha256));
    softly(() => catalog?.notes.set(keysNoteOf(opened, file), JSON.stringify(keys)));
  }

  #findChange(opened: OpenedRepository): ConfigurationChange | undefined {
    const file = this.#configuration;
    if (file === undefined) return undefined;
    return softly(() => {
      const text = readFileSync(file);
      const sha256 = hash('sha256', text);
      const before = this.#options.catalog?.notes.get(noteOf(opened, file));
      return before === sha256 ? undefined : { file, sha256, before, keys: readKeys(text.toString('utf8')) };
    });
  }

  /** Once a day a record also says where the chains of other hosts end. */
  #isWitness(opened: OpenedRepository): boolean {
    const { catalog, clock } = this.#options;
    if (catalog === undefined) return false;
    const key = `audit witness ${opened.key}`;
    const now = clock.now().getTime();
    const last = Number(softly(() => catalog.notes.get(key)) ?? Number.NEGATIVE_INFINITY);
    if (Math.abs(now - last) < witnessEveryMs) return false;
    softly(() => catalog.notes.set(key, String(now)));
    return true;
  }

  #tell({ location }: OpenedRepository, error: unknown): void {
    const waits = this.#options.catalog === undefined ? '' : '; the record waits on this host for a run that can write it';
    this.#options.onNotice(`the audit trail of ${location} could not be written (${reasonOf(error)})${waits}`);
  }
}

function noteOf({ key }: OpenedRepository, file: string): string {
  return `audit configuration ${key} ${file}`;
}

function keysNoteOf({ key }: OpenedRepository, file: string): string {
  return `audit configuration keys ${key} ${file}`;
}

function readNoted(text: string | undefined): ConfigurationKeys | undefined {
  return text === undefined ? undefined : softly(() => readStringValues(JSON.parse(text)));
}

function readStringValues(value: unknown): Record<string, string> {
  const keys = Object.entries(readObject(value, 'the keys of a configuration'));
  return Object.fromEntries(keys.map(([key, hashed]) => [key, readString(hashed, key)]));
}

/** What this host remembers is convenience. */
function softly<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
