import { noEntry, type EntryTable } from './entry-table.ts';

const remembered = 64;

/** The absolute paths of entries, put together when they are needed; folders met lately are remembered. */
export class EntryPaths {
  readonly #table: EntryTable;
  readonly #target: string;
  readonly #folders = new Uint32Array(remembered).fill(noEntry);
  readonly #prefixes: string[] = Array.from({ length: remembered }, () => '');

  constructor(table: EntryTable, target: string) {
    this.#table = table;
    this.#target = target.endsWith('/') ? target : `${target}/`;
  }

  of(entry: number): string {
    return this.#prefixOf(this.#table.parentOf(entry)) + this.#table.nameOf(entry);
  }

  /** A folder's path with a slash at its end. */
  #prefixOf(folder: number): string {
    if (folder === noEntry) return this.#target;
    const slot = folder % remembered;
    if (this.#folders[slot] === folder) return this.#prefixes[slot] ?? '';
    const names: string[] = [];
    for (let at = folder; at !== noEntry; at = this.#table.parentOf(at)) names.push(this.#table.nameOf(at));
    const prefix = `${this.#target}${names.reverse().join('/')}/`;
    this.#folders[slot] = folder;
    this.#prefixes[slot] = prefix;
    return prefix;
  }
}
