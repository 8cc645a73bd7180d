/**
 * Environment files, in the dialects of shells, dotenv libraries, Docker and Compose: `export`, spaces around `=`, three kinds of quotes, values
 * of several lines, comments behind values.
 */
import type { ConfigValue, Dialect } from './config-value.ts';
import { looksRandom } from './find-secrets.ts';
import { isSecretKey } from './secret-keys.ts';

const assignment = /^([ \t]*(?:export[ \t]+|set[ \t]+|setenv[ \t]+|-[ \t]+)?)([A-Za-z_][\w.-]*)([ \t]*[=:][ \t]*|[ \t]+(?==))/;
const commentedAssignment = /^([ \t]*#[#! \t]*(?:export[ \t]+)?)([A-Za-z_][\w.-]*)([ \t]*=[ \t]*)(?=\S)/;

export const envDialect: Dialect = { name: 'env', comment: '#', readValues: readEnvValues };

function readEnvValues(text: string): ConfigValue[] {
  const values: ConfigValue[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end);
    const inComment = /^[ \t]*#/.test(line);
    const match = (inComment ? commentedAssignment : assignment).exec(line);
    if (match === null || looksRandom(match[2] ?? '')) {
      /* A comment, or nothing that any dialect knows: then no key is in it, and all of it may be a secret. */
      if (line.trim() !== '') values.push(inComment ? comment(at, end) : strayLine(line, at, end));
      at = afterLine(text, end);
      continue;
    }
    const name = match[2] ?? '';
    const start = at + match[0].length;
    const read = readValue(text, start, end, inComment);
    values.push({ name, start: read.start, end: read.end, quote: read.quote, kind: isSecretKey(name) ? 'secret' : 'guarded' });
    const lastEnd = lineEnd(text, read.after);
    if (text.slice(read.after, lastEnd).trim() !== '') values.push(comment(read.after, lastEnd));
    at = afterLine(text, lastEnd);
  }
  return values;
}

interface ReadValue {
  readonly start: number;
  readonly end: number;
  readonly quote: ConfigValue['quote'];
  /** Where a comment behind it may begin. */
  readonly after: number;
}

function readValue(text: string, start: number, end: number, oneLine: boolean): ReadValue {
  const quote = text[start];
  if (quote === '"' || quote === "'" || quote === '`') {
    const close = findClosingQuote(text, start, quote, end, oneLine);
    if (close !== undefined) return { start: start + 1, end: close, quote, after: close + 1 };
  }
  const line = text.slice(start, end);
  const behind = /(?:^|[ \t])#/.exec(line)?.index ?? line.length;
  const length = line.slice(0, behind).trimEnd().length;
  return { start, end: start + length, quote: '', after: start + length };
}

/** The quote that ends a value: one with nothing but a comment behind it. Without one, the value is not a quoted one. */
function findClosingQuote(text: string, start: number, quote: string, end: number, oneLine: boolean): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (at >= end && oneLine) return undefined;
    if (character === '\\' && quote !== '`' && !(quote === "'" && text[at + 1] === "'" && endsLine(text, at + 2))) {
      at += 1;
      continue;
    }
    if (character !== quote) continue;
    if (endsLine(text, at + 1)) return at;
    /* Behind the first line: what begins another value would be taken for the end of this one. */
    if (at >= end) return undefined;
  }
  return undefined;
}

/** Nothing but a comment follows on the line. */
function endsLine(text: string, at: number): boolean {
  const rest = /[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|$)/y;
  rest.lastIndex = at;
  return rest.test(text);
}

function comment(start: number, end: number): ConfigValue {
  return { name: '', start, end, kind: 'comment', quote: '' };
}

/** A line with only a name (Docker takes such a variable from its own environment) is kept. */
function strayLine(line: string, start: number, end: number): ConfigValue {
  return /^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*(?:[ \t]+[A-Za-z_]\w*)*[ \t]*$/.test(line) && line.length < 80 && !looksRandom(line.trim())
    ? comment(start, end)
    : { name: '', start: start + (line.length - line.trimStart().length), end, kind: 'guarded', quote: '' };
}

/** Where the line ends, before its CR, LF or both. */
export function lineEnd(text: string, at: number): number {
  for (let end = at; end < text.length; end += 1) if (text[end] === '\n' || text[end] === '\r') return end;
  return text.length;
}

export function afterLine(text: string, end: number): number {
  return end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
}
