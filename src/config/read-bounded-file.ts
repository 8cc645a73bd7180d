import { closeSync, openSync, readSync } from 'node:fs';

/** Of a file with one value in it, such as a Docker secret. */
const largestValue = 64 * 1024;

/** A file's text, at most `limit` bytes of it, even where the file has no end (a device). Throws a plain error. */
export function readBoundedFile(file: string, limit: number): string {
  const buffer = Buffer.allocUnsafe(limit + 1);
  const descriptor = openSync(file, 'r');
  let size = 0;
  try {
    for (;;) {
      const count = readSync(descriptor, buffer, size, buffer.length - size, null);
      size += count;
      if (size > limit) throw new Error(`it is larger than ${limit} bytes`);
      if (count === 0) break;
    }
  } finally {
    closeSync(descriptor);
  }
  return new TextDecoder().decode(buffer.subarray(0, size));
}

/** A file with one value in it: without the end of its last line. Throws a plain error. */
export function readValueFile(file: string): string {
  return withoutLastNewline(readBoundedFile(file, largestValue));
}

/** An editor or `echo` ends a file with a newline that is no part of the value. */
export function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}
