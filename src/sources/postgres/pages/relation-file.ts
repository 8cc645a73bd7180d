/** Which files of a cluster are cut into pages: those of tables and indexes, by PostgreSQL's own names. */

/** Main fork, free space map, visibility map and init fork, in every segment. Of those that a base backup holds, no other files are of whole pages. */
const form =
  /^(?:global|base\/[0-9]{1,10}|pg_tblspc\/[0-9]{1,10}\/PG_[0-9]{1,10}(?:\.[0-9]{1,10})?_[0-9]{1,10}\/[0-9]{1,10})\/[0-9]{1,10}(?:_(?:fsm|vm|init))?(?:\.[0-9]{1,10})?$/;

/**
 * A file of at most this many bytes is always stored whole: whole it is often what the repository has already, and the format of increments needs a
 * page for its header as soon as one page has changed.
 */
const smallestCut = 64 * 1024;

export function isRelationFile(path: string): boolean {
  return form.test(path);
}

/** Whether an increment looks at the single pages of a file. One that ends within a page (the server ran out of disk while it grew) stays whole. */
export function isCutIntoPages(path: string, size: number, pageSize: number): boolean {
  return size > smallestCut && size % pageSize === 0 && isRelationFile(path);
}

const prefix = 'INCREMENTAL.';

/** `base/5/16384` becomes `base/5/INCREMENTAL.16384`. */
export function incrementalPath(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${prefix}${path.slice(slash)}`;
}

/** The file that an incremental one belongs to; undefined for every other. */
export function pathOfIncremental(path: string): string | undefined {
  const slash = path.lastIndexOf('/') + 1;
  if (!path.startsWith(prefix, slash)) return undefined;
  const plain = `${path.slice(0, slash)}${path.slice(slash + prefix.length)}`;
  return isRelationFile(plain) ? plain : undefined;
}
