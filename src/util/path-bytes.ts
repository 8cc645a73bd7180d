/**
 * Paths as strings without loss. A file name is bytes; most are UTF-8. A byte that is not part of valid UTF-8 is carried as the
 * lone surrogate U+DC00 + byte (PEP 383's surrogateescape), so every part of holdfast handles plain strings, and only the calls
 * into the file system convert.
 */
const escaped = /[\uDC80-\uDCFF]/;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The string for a name of any bytes. */
export function decodePath(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

/** True when the string carries bytes that are not UTF-8. */
export function hasEscapedBytes(path: string): boolean {
  return escaped.test(path) && !path.isWellFormed();
}

/** What Node's fs functions take for this path: the string itself, or a Buffer where bytes are not UTF-8. */
export function fsPath(path: string): string | Buffer {
  return hasEscapedBytes(path) ? encodePath(path) : path;
}

/** The bytes of a path. */
export function encodePath(path: string): Buffer {
  if (!hasEscapedBytes(path)) return Buffer.from(path, 'utf8');
  const parts: Buffer[] = [];
  for (const character of path) {
    const code = character.codePointAt(0) ?? 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** Order of the bytes, which is the order inside a tree. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(encodePath(a), encodePath(b));
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
      at += 1;
    } else {
      text += strict.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return text;
}

/** Length of the valid UTF-8 sequence at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length <= 1) return length;
  try {
    strict.decode(bytes.subarray(at, at + length));
    return at + length <= bytes.length ? length : 0;
  } catch {
    return 0;
  }
}
