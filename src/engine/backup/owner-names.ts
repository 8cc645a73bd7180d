import { readFileSync } from 'node:fs';

/** User and group names by number, from /etc/passwd and /etc/group: read once, since a look-up a file would be felt. */
export class OwnerNames {
  readonly #users = readNames('/etc/passwd');
  readonly #groups = readNames('/etc/group');

  /** The fields `user` and `group` of a node; a name that is not known is left out. */
  of(uid: number, gid: number): { user?: string; group?: string } {
    const user = this.#users.get(uid);
    const group = this.#groups.get(gid);
    return { ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) };
  }
}

function readNames(file: string): Map<number, string> {
  const names = new Map<number, string>();
  try {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [name, , id] = line.split(':');
      const number = Number(id);
      if (name !== undefined && id !== undefined && Number.isInteger(number) && !names.has(number)) names.set(number, name);
    }
  } catch {
    // A machine without these files has numbers only.
  }
  return names;
}
