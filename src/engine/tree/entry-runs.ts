/**
 * Cuts the text of a large tree into runs of whole entries, so that only a little of it is parsed at a time. A few kilobytes of a forged
 * repository decompress to hundreds of megabytes of `{},{},`; parsed at once, these fill gigabytes before anything has looked at an entry.
 */
const [quote, comma, openList, closeList, backslash, openObject, closeObject] = [0x22, 0x2c, 0x5b, 0x5d, 0x5c, 0x7b, 0x7d];
const opening = Buffer.from('{"nodes":[');
const closing = Buffer.from(']}');

/** A run ends with the first entry that reaches this. */
const runBytes = 2 ** 20;
/** An entry is deeper by two at most: a list of attributes, and the attribute. */
const mostDepth = 64;
/** Honest entries take far more: a blob's id is 67 bytes, a field with its name twenty. */
const leastBytesOfValue = 8;

/** Why the text is no tree; the message is a part of a sentence. */
export class TreeFormError extends Error {}

/**
 * The runs in order, each one or more entries with their commas, without the list's brackets.
 *
 * @param bytes All of the tree, as restic and holdfast write it: `{"nodes":[…]}` without spaces around the list.
 * @throws TreeFormError where it has another form, or entries that no honest tree has.
 */
export function* entryRuns(bytes: Uint8Array): Generator<Uint8Array> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = endOfList(text);
  let start = opening.length;
  while (start < end) {
    const next = endOfRun(text, start, end);
    yield text.subarray(start, next);
    start = next + 1;
    if (start === end) throw new TreeFormError('its list ends with a comma');
  }
}

/** Where the list's closing bracket is. */
function endOfList(text: Buffer): number {
  let end = text.length;
  while (end > 0 && (text[end - 1] === 0x0a || text[end - 1] === 0x20)) end -= 1;
  const hasForm = text.subarray(0, opening.length).equals(opening) && text.subarray(end - closing.length, end).equals(closing);
  if (!hasForm) throw new TreeFormError('it does not begin or end as a tree does');
  return end - closing.length;
}

/** Where the comma behind the run is, or the end of the list. */
function endOfRun(text: Buffer, start: number, end: number): number {
  let depth = 0;
  let values = 0;
  for (let at = start; at < end; at++) {
    switch (text[at]) {
      case quote:
        at = endOfString(text, at, end);
        break;
      case openObject:
      case openList:
        depth += 1;
        values += 1;
        if (depth > mostDepth) throw new TreeFormError('an entry is nested too deep');
        break;
      case closeObject:
      case closeList:
        depth -= 1;
        if (depth < 0) throw new TreeFormError('its brackets do not match');
        break;
      case comma:
        values += 1;
        if (depth === 0 && at - start >= runBytes) return checked(at);
        break;
      default:
    }
  }
  return checked(end);

  function checked(at: number): number {
    if (values > 1000 + (at - start) / leastBytesOfValue) throw new TreeFormError('it holds more values than entries have');
    return at;
  }
}

/** Where the closing quotation mark is. */
function endOfString(text: Buffer, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    const byte = text[at];
    if (byte === quote) return at;
    if (byte === backslash) at += 1;
  }
  throw new TreeFormError('a string does not end');
}
