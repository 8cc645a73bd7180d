/** Makes a template of a configuration file: what may be a secret is blanked, everything else stays as it is, to the byte. */
import type { ConfigValue, Dialect } from './config-value.ts';
import { type TextRange, findSecrets, mergeRanges, pemPattern } from './find-secrets.ts';
import { isHarmless, isNoSecret } from './harmless-values.ts';
import { redactionMark } from './secret-keys.ts';

export interface BlankedText {
  readonly text: string;
  /** How many values, or parts of values and comments, were blanked. */
  readonly blanked: number;
  /** What was blanked and is certainly a secret, to be looked for in other files too. */
  readonly secrets: readonly string[];
}

interface Edit extends TextRange {
  readonly replacement: string;
  /** What stands there is a secret for sure, and not only a value that could be one. */
  readonly certain: boolean;
}

/** Blanks a text. `known`: secrets of the other files of the application, which go wherever they stand in a value or a comment. */
export function blankSecrets(text: string, dialect: Dialect, known: Iterable<string> = []): BlankedText {
  const values = dialect.readValues(text);
  const first = values.flatMap((value) => editsOf(text, value));
  const secrets = new Set([...known, ...first.filter(({ certain }) => certain).map(({ start, end }) => text.slice(start, end))]);
  const strong = [...secrets].filter(canBeSoughtFor);
  const repeated = values.flatMap((value) => findKnown(text, value, strong));
  const edits = withoutOverlaps([...first, ...findBlocks(text), ...repeated]);
  let blankedText = '';
  let at = 0;
  for (const { start, end, replacement } of edits) {
    blankedText += text.slice(at, start) + replacement;
    at = end;
  }
  return { text: blankedText + text.slice(at), blanked: edits.length, secrets: strong };
}

/** A line at the top that says what the file is, where the format has comments and something was blanked. */
export function addTemplateNotice(text: string, dialect: Dialect, blanked: number): string {
  if (dialect.comment === undefined || blanked === 0) return text;
  const eol = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n';
  const notice = `${templateNotice(dialect.comment, blanked)}${eol}`;
  /* Behind what must come first in a file. */
  const head = /^\uFEFF?(?:#![^\r\n]*(?:\r\n|\n|\r))?(?:%YAML[^\r\n]*(?:\r\n|\n|\r))?/.exec(text)?.[0] ?? '';
  return head + notice + text.slice(head.length);
}

/** Takes that line away. */
export function removeTemplateNotice(text: string): string {
  return text.replace(/^(\uFEFF?(?:[#%][^\r\n]*(?:\r\n|\n|\r)){0,2}?)[#;] A template made by holdfast: [^\r\n]*(?:\r\n|\n|\r)/, '$1');
}

function templateNotice(comment: string, blanked: number): string {
  return `${comment} A template made by holdfast: ${blanked} ${blanked === 1 ? 'value is' : 'values are'} left out, each marked with ${redactionMark.slice(2, -2)} between double underscores.`;
}

function editsOf(text: string, value: ConfigValue): Edit[] {
  const { start, end, kind } = value;
  const content = text.slice(start, end);
  const goes = (kind === 'guarded' && !isHarmless(content)) || (kind === 'secret' && !isNoSecret(content));
  if (goes && content !== redactionMark)
    return [{ start, end, replacement: markFor(value), certain: kind === 'secret' || findSecrets(content).length > 0 }];
  if (kind === 'guarded' || kind === 'secret') return [];
  const found = findSecrets(content, kind === 'comment');
  /* A number in JSON has no quotes to be blanked within. */
  if (value.quoteWhenBlanked !== undefined && found.length > 0) return [{ start, end, replacement: markFor(value), certain: true }];
  return found.map((range) => trimmed(text, { start: start + range.start, end: start + range.end }));
}

function markFor({ indent = '', quoteWhenBlanked }: ConfigValue): string {
  const quote = quoteWhenBlanked ?? '';
  return `${indent}${quote}${redactionMark}${quote}`;
}

/** Blocks of PEM run over many lines, and so over many values of a file of lines. */
function findBlocks(text: string): Edit[] {
  const found: TextRange[] = [];
  for (const end of ['-----END [A-Z0-9 ]+-----', '']) {
    for (const match of text.matchAll(pemPattern(end))) {
      const body = match[1] ?? '';
      const start = match.index + match[0].indexOf(body, match[0].indexOf('-----', 11));
      found.push({ start, end: start + body.length });
    }
  }
  return mergeRanges(found).map((range) => trimmed(text, range));
}

function trimmed(text: string, { start, end }: TextRange): Edit {
  const content = text.slice(start, end);
  const before = /^(?:\s|\\[nr])*/.exec(content)?.[0].length ?? 0;
  const behind = before === content.length ? 0 : (/(?:\s|\\[nr])*$/.exec(content)?.[0].length ?? 0);
  return { start: start + before, end: end - behind, replacement: redactionMark, certain: true };
}

function findKnown(text: string, value: ConfigValue, secrets: readonly string[]): Edit[] {
  if (value.kind === 'guarded' || value.kind === 'secret') return [];
  const content = text.slice(value.start, value.end);
  const edits: Edit[] = [];
  for (const secret of secrets.flatMap((plain) => [plain, encodeURIComponent(plain)])) {
    for (let at = content.indexOf(secret); at >= 0; at = content.indexOf(secret, at + secret.length))
      edits.push({ start: value.start + at, end: value.start + at + secret.length, replacement: redactionMark, certain: true });
  }
  return edits;
}

/** Long and unlike a word: what may be sought for everywhere. */
function canBeSoughtFor(secret: string): boolean {
  return secret.length >= 8 && secret.length <= 4096 && /[^a-z]/.test(secret) && !secret.includes(redactionMark) && secret.isWellFormed();
}

/** In order. Of two that overlap, the one that holds the other stays; where neither does, both become one. */
function withoutOverlaps(edits: readonly Edit[]): Edit[] {
  const kept: Edit[] = [];
  for (const edit of edits.filter(({ start, end }) => end > start).toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = kept.at(-1);
    if (last === undefined || edit.start >= last.end) kept.push(edit);
    else if (edit.end > last.end) kept[kept.length - 1] = { start: last.start, end: edit.end, replacement: redactionMark, certain: true };
  }
  return kept;
}
