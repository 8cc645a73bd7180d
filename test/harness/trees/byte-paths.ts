/** Paths as bytes, because a name need not be UTF-8. */
const slash = Buffer.from('/');

/** `folder/name`; either may be text. */
export function joinBytes(folder: Buffer | string, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(folder), slash, Buffer.from(name)]);
}

/** The path for people: bytes that are no plain text as `\xNN`, so that two names never look alike. */
export function showPath(path: Buffer): string {
  const text = path.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(path) && !/[\p{Cc}\\]/u.test(text)) return text;
  return [...path]
    .map((byte) => (byte < 0x20 || byte > 0x7e || byte === 0x5c ? `\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte)))
    .join('');
}
