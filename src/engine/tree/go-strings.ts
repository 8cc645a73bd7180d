/**
 * Strings as Go writes them, byte for byte: `goJson` is encoding/json's string, `goQuote` and `goUnquote` are strconv's (an entry's
 * name goes through both). Two Go programs of different age differ here in three rare ways, and so may we from one of them; the
 * content is the same, only a tree is stored once more:
 * - U+0008 and U+000C in JSON are `\b` and `\f` since Go 1.22 (restic 0.17 and later), as here, and were `\u0008` and `\u000c`;
 * - which characters are printable is a matter of the Unicode version (Go 1.21 to 1.25: 15.0; Node: that of its ICU);
 * - a byte that is not UTF-8 in anything but a name is lost in both: it becomes `\ufffd`.
 */
import { decodePath, encodePath } from '../../util/path-bytes.ts';

/** Characters that encoding/json does not write as they are. `\p{Cs}` with the u flag is a surrogate without its other half. */
const jsonEscaped = /["\\<>&\u0000-\u001f\u2028\u2029\p{Cs}]/u;
const allJsonEscaped = new RegExp(jsonEscaped, 'gu');

/** A JSON string with its quotes. */
export function goJson(text: string): string {
  return jsonEscaped.test(text) ? `"${text.replaceAll(allJsonEscaped, escapeForJson)}"` : `"${text}"`;
}

/** Names that stay as they are through both quotings: ASCII first, since that is nearly every name and the cheaper test. */
const plainAscii = /^[ !#-%'-;=?-[\]-~]*$/;
const plainName = /^[[ \p{L}\p{M}\p{N}\p{P}\p{S}]--["\\<>\&]]*$/v;

/** An entry's name as a JSON string with its quotes: strconv.Quote, then encoding/json. */
export function goNameJson(name: string): string {
  if (plainAscii.test(name) || plainName.test(name)) return `"${name}"`;
  return goJson(goQuote(name));
}

/** What strconv.Quote leaves alone: unicode.IsPrint except the quote and the backslash. */
const unprintable = /[^[ \p{L}\p{M}\p{N}\p{P}\p{S}]--["\\]]/gv;

/** strconv.Quote without the quotes around it. */
function goQuote(text: string): string {
  return text.replaceAll(unprintable, quoteCharacter);
}

const mayNeedUnquote = /[\\"\n]/;

/** strconv.Unquote of the text between two quotes; undefined where Go reports a syntax error. */
export function goUnquote(text: string): string | undefined {
  if (!mayNeedUnquote.test(text)) return text;
  let valid = true;
  let hasBytes = false;
  const unquoted = text.replaceAll(
    /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|["\\\n]/g,
    (...match) => {
      const [, short, hex, octal, four, eight] = match.map((part: unknown) => (typeof part === 'string' ? part : undefined));
      if (short !== undefined) return shortEscapes.get(short) ?? short;
      const byte = hex === undefined ? (octal === undefined ? undefined : Number.parseInt(octal, 8)) : Number.parseInt(hex, 16);
      if (byte !== undefined && byte < 256) {
        hasBytes ||= byte >= 0x80;
        return byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte);
      }
      const code = Number.parseInt(four ?? eight ?? 'x', 16);
      if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) return String.fromCodePoint(code);
      valid = false;
      return '';
    },
  );
  if (!valid) return undefined;
  /* Single bytes may together be UTF-8 after all. */
  return hasBytes ? decodePath(encodePath(unquoted)) : unquoted;
}

const jsonShort = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function escapeForJson(character: string): string {
  const short = jsonShort.get(character);
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  return code >= 0xd800 && code <= 0xdfff ? '\\ufffd' : `\\u${hexDigits(code, 4)}`;
}

const quoteShort = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);
const shortEscapes = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);

function quoteCharacter(character: string): string {
  const short = quoteShort.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${hexDigits(code, 2)}`;
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hexDigits(code - 0xdc00, 2)}`;
  return code < 0x1_0000 ? `\\u${hexDigits(code, 4)}` : `\\U${hexDigits(code, 8)}`;
}

function hexDigits(code: number, width: number): string {
  return code.toString(16).padStart(width, '0');
}
