import { statSync } from 'node:fs';

/** Tells whether a file has changed since it was asked last. A file that is gone for a moment, while it is replaced, has not. */
export function watchFile(path: string): () => boolean {
  let known = versionOf(path);
  return () => {
    const version = versionOf(path);
    if (version === undefined || version === known) return false;
    known = version;
    return true;
  };
}

function versionOf(path: string): string | undefined {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return undefined;
  }
}
