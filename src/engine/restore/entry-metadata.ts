/** Owner, attributes, mode and times of one restored entry. What cannot be set is told and passed over: the content is there. */
import { chmodSync, fchmodSync, fchownSync, lchownSync } from 'node:fs';
import { reasonOf } from '../../errors.ts';
import { fsPath } from '../../util/path-bytes.ts';
import { platformCalls } from '../platform/platform-calls.ts';
import { decodeAttributes } from './entry-attributes.ts';
import { entryFlag, type EntryTable } from './entry-table.ts';

export interface MetadataRules {
  readonly owners: boolean;
  readonly umask: number;
}

export type ProblemSink = (entry: number, reason: string) => void;

const setIdBits = 0o6000;

export class EntryMetadata {
  readonly #table: EntryTable;
  readonly #rules: MetadataRules;
  readonly #tell: ProblemSink;
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;

  constructor(table: EntryTable, rules: MetadataRules, tell: ProblemSink) {
    this.#table = table;
    this.#rules = rules;
    this.#tell = tell;
  }

  /**
   * The mode a new file is created with. Where nothing but the umask stands between it and the final one, it is the final one: the folders
   * made by this run are closed to others until the end. Else it is private.
   */
  creationMode(entry: number): number {
    const mode = this.#table.modeOf(entry) & 0o7777;
    return this.#isBornRight(entry, mode) ? mode : 0o600;
  }

  /** Sets everything. `file` is an open descriptor, or a path whose last part is not followed. `isNew`: created with `creationMode`. */
  apply(entry: number, file: number | string, isNew: boolean): void {
    const table = this.#table;
    const type = table.typeOf(entry);
    const mode = table.modeOf(entry) & 0o7777;
    const bornRight = isNew && type === 'file' && this.#isBornRight(entry, mode);
    let owned = true;
    if (!bornRight && this.#changesOwner(entry, isNew))
      owned = this.#attempt(entry, 'its owner', () => chown(file, table.uidOf(entry), table.gidOf(entry)));
    this.#applyAttributes(entry, file, isNew);
    // A link has no mode of its own.
    if (!bornRight && type !== 'symlink') {
      // A program must not run as somebody it was never owned by.
      const safe = owned && (this.#rules.owners || this.#uid !== 0 || table.uidOf(entry) === 0) ? mode : mode & ~setIdBits;
      this.#attempt(entry, 'its mode', () => chmod(file, safe));
    }
    this.#attempt(entry, 'its times', () => platformCalls().setTimes(file, table.atimeNsOf(entry), table.mtimeNsOf(entry)));
  }

  #isBornRight(entry: number, mode: number): boolean {
    return (
      (mode & (this.#rules.umask | 0o7000)) === 0 && !this.#table.hasFlag(entry, entryFlag.inherits) && !this.#changesOwner(entry, true)
    );
  }

  #changesOwner(entry: number, isNew: boolean): boolean {
    if (!this.#rules.owners) return false;
    if (!isNew || this.#table.hasFlag(entry, entryFlag.inherits)) return true;
    return this.#table.uidOf(entry) !== this.#uid || this.#table.gidOf(entry) !== this.#gid;
  }

  /** Before the mode: who is not root may set attributes only while the file may be written. */
  #applyAttributes(entry: number, file: number | string, isNew: boolean): void {
    const bytes = this.#table.attributesOf(entry);
    const wanted = bytes === undefined ? [] : decodeAttributes(bytes);
    if (!isNew || this.#table.hasFlag(entry, entryFlag.inherits)) this.#removeOthers(entry, file, new Set(wanted.map(({ name }) => name)));
    for (const { name, value } of wanted) this.#attempt(entry, `its attribute ${name}`, () => platformCalls().setXattr(file, name, value));
  }

  /** What was there before, or came from the folder. Labels of the system stay. */
  #removeOthers(entry: number, file: number | string, wanted: ReadonlySet<string>): void {
    const calls = platformCalls();
    if (calls.slowXattrs && this.#table.attributesOf(entry) === undefined) return;
    this.#attempt(entry, 'its attributes', () => {
      for (const { name } of calls.readXattrs(file))
        if (!wanted.has(name) && /^(user\.|system\.posix_acl_)/.test(name)) calls.removeXattr(file, name);
    });
  }

  #attempt(entry: number, what: string, change: () => void): boolean {
    try {
      change();
      return true;
    } catch (error) {
      this.#tell(entry, `${what} could not be restored: ${reasonOf(error)}`);
      return false;
    }
  }
}

function chown(file: number | string, uid: number, gid: number): void {
  if (typeof file === 'number') fchownSync(file, uid, gid);
  else lchownSync(fsPath(file), uid, gid);
}

function chmod(file: number | string, mode: number): void {
  if (typeof file === 'number') fchmodSync(file, mode);
  else chmodSync(fsPath(file), mode);
}
