/** Which objects of a repository are never replaced or removed as a matter of course, and so may be locked where they lie. */
import { folderOf } from './layout.ts';

/*
 * Parts of a segment make room for the whole one, and the position is written again and again (src/wal); what doctor tries goes at once; holds are
 * released, and what is known of locks is written again and again (src/operations/retention).
 */
const passing = /^holdfast\/(?:wal\/.*(?:\.part\.[^/]*|\/position)|(?:doctor|holds|retention)\/.*)$/;

export function isLockable(key: string): boolean {
  return !key.startsWith(folderOf('lock')) && !passing.test(key);
}
