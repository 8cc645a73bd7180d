/** What a run told as its results, made into the few facts that are kept of it. */
import type { RunFacts } from '../catalog/run-record.ts';
import { printable } from './print/table.ts';

type Told = Readonly<Record<string, unknown>>;

/** Each fact by the names that results give it, the first that is there. */
const names: Readonly<Record<string, readonly string[]>> = {
  bytes: ['total_bytes_processed', 'bytes_restored', 'bytes', 'bytes_read', 'total_bytes'],
  files: ['total_files_processed', 'files_restored', 'total_files'],
  added: ['data_added'],
  stored: ['data_added_packed'],
  rows: ['rows'],
  tables: ['tables'],
  problems: ['problems', 'num_errors'],
  removed_points: ['removed_points'],
  freed: ['bytes_to_free'],
  packs: ['packs'],
  packs_read: ['packs_read'],
  wal_bytes: ['wal_bytes'],
};
/** Those that are counted where they are lists. */
const counted: Readonly<Record<string, string>> = { copied: 'copied', imported: 'imported', refused: 'refused' };
const mostComponents = 200;
const mostFindings = 12;
const longestFinding = 500;

export interface HeardRun {
  readonly facts: RunFacts;
  readonly components: readonly string[];
  readonly point?: string;
  readonly application?: string;
  /** Ids of keys, holds and repositories that were made or removed. */
  readonly ids: readonly string[];
}

/** Listens to the results of a command. */
export class RunFactsListener {
  readonly #facts: Record<string, number | string> = {};
  readonly #components = new Set<string>();
  readonly #removals: unknown[] = [];
  readonly #ids: string[] = [];
  readonly #findings: string[] = [];
  #plan: unknown;
  #point: string | undefined;
  #application: string | undefined;

  hear(record: object): void {
    const told: Told = { ...record };
    const type = told['message_type'];
    if (type === 'forget' && Array.isArray(told['remove'])) this.#removals.push(...(told['remove'] as readonly unknown[]));
    else if (type === 'plan') this.#plan = withoutType(told);
    else if (type === 'hold' || type === 'key' || type === 'initialized' || type === 'unlocked') this.#hearId(told);
    else if (type === 'error') this.#hearFinding(told);
    else if (type === 'summary') this.#hearSummary(told);
  }

  /** What a check or a drill found, a line each: the first few. */
  get findings(): readonly string[] {
    return this.#findings;
  }

  #hearFinding({ item, error }: Told): void {
    const reason = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined;
    if (typeof item !== 'string' || typeof reason !== 'string' || this.#findings.length >= mostFindings) return;
    this.#findings.push(`${printable(item)}: ${printable(reason)}`.slice(0, longestFinding));
  }

  /** What was going to be done, as far as it was told. */
  get plan(): unknown {
    return this.#removals.length > 0 ? { remove: this.#removals } : this.#plan;
  }

  heard(): HeardRun {
    return {
      facts: this.#facts,
      components: [...this.#components],
      ids: this.#ids,
      ...(this.#point === undefined ? {} : { point: this.#point }),
      ...(this.#application === undefined ? {} : { application: this.#application }),
    };
  }

  #hearId(told: Told): void {
    const id = told['id'] ?? told['name'] ?? told['point'];
    if (typeof id === 'string' && this.#ids.length < mostComponents) this.#ids.push(id);
  }

  #hearSummary(told: Told): void {
    for (const [fact, candidates] of Object.entries(names)) {
      const value = candidates.map((name) => told[name]).find((each) => typeof each === 'number');
      if (typeof value === 'number') this.#facts[fact] = value;
    }
    for (const [fact, name] of Object.entries(counted)) {
      const list = told[name];
      if (Array.isArray(list)) this.#facts[fact] = list.length;
    }
    if (typeof told['point'] === 'string') this.#point = told['point'];
    if (typeof told['application'] === 'string') this.#application = told['application'];
    if (typeof told['component'] === 'string') this.#components.add(told['component']);
    if (Array.isArray(told['components']))
      for (const component of told['components'].slice(0, mostComponents)) this.#hearComponent(component);
  }

  /** A name, or what there is to say of one: `database.bytes`, `database.files`, `database.error`. */
  #hearComponent(component: unknown): void {
    if (typeof component === 'string') this.#components.add(component);
    if (typeof component !== 'object' || component === null) return;
    const told: Told = { ...component };
    const name = told['component'] ?? told['name'];
    if (typeof name !== 'string') return;
    this.#components.add(name);
    for (const fact of ['bytes', 'files', 'rows', 'error']) {
      const value = told[fact];
      if (typeof value === 'number' || typeof value === 'string') this.#facts[`${name}.${fact}`] = value;
    }
  }
}

function withoutType(told: Told): object {
  return Object.fromEntries(Object.entries(told).filter(([name]) => name !== 'message_type'));
}
