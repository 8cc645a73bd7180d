/** Whether an entry is what the parent snapshot says of it. Pure. */
import type { EntryStats, FileTime } from '../platform/entry-stats.ts';
import { formatTime, formatTimeParts, parseTime } from '../tree/node.ts';
import type { ParentEntry } from './parent-folder.ts';

/** As restic decides: size, time of change of content and of metadata, and inode are what they were. */
export function isUnchanged(stats: EntryStats, before: ParentEntry): boolean {
  return stats.size === before.size && isSameInode(stats, before);
}

/** A file that holds something must say where that is. */
export function hasContent({ size, content }: ParentEntry): boolean {
  return size === 0 || content.length > 0;
}

/** The same inode, and nothing of it changed since. */
export function isSameInode(stats: EntryStats, before: ParentEntry): boolean {
  return (
    formatFileTime(stats.mtime) === utc(before.mtime) &&
    formatFileTime(stats.ctime) === utc(before.ctime) &&
    String(stats.inode) === before.inode
  );
}

/** As a tree writes it. */
export function formatFileTime({ second, nanosecond }: FileTime): string {
  return formatTimeParts(second, nanosecond);
}

/** restic writes local time; ours is UTC already. */
function utc(time: string): string {
  return time.endsWith('Z') ? time : formatTime(parseTime(time));
}
