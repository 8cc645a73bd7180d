/** Fills the blanks of a template from a file that has the values, or from variables. */
import { chooseDialect } from './choose-dialect.ts';
import { removeTemplateNotice } from './blank-secrets.ts';
import type { ConfigValue, Dialect } from './config-value.ts';
import { redactionMark } from './secret-keys.ts';

export interface TemplateFile {
  /** Its name tells how it is written: `.env`, `compose.yaml`. `.template` behind it does not matter. */
  readonly path: string;
  readonly text: string;
}

export interface TemplateValues {
  /** A file of the same kind that has the values: an older `.env`. */
  readonly existing?: string;
  /** Values by name: of a variable, or the last part of a path (`services.db.environment.POSTGRES_PASSWORD`). They win over `existing`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface FilledTemplate {
  readonly text: string;
  /** How many values were filled. */
  readonly filled: number;
  /** Names of what is still blank; `line 12` where it has none. */
  readonly missing: readonly string[];
}

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The template with its blanks filled; what cannot be is left blank and named. */
export function fillTemplate(template: TemplateFile, values: TemplateValues): FilledTemplate {
  const dialect = chooseDialect(template.path);
  const named = numberNames(dialect.readValues(template.text));
  const existing =
    values.existing === undefined ? undefined : { text: values.existing, named: numberNames(dialect.readValues(values.existing)) };
  const replacements: Replacement[] = [];
  for (const [key, value] of named) {
    if (!template.text.slice(value.start, value.end).includes(redactionMark)) continue;
    const name = value.name.split('.').at(-1) ?? '';
    const given = values.environment?.[name] ?? values.environment?.[value.name];
    const from = existing?.named.get(key);
    const replacement =
      given !== undefined
        ? writeValue(dialect, template.text, value, given)
        : existing !== undefined && from !== undefined
          ? copyValue(template.text, value, existing.text, from)
          : undefined;
    if (replacement !== undefined) replacements.push(replacement);
  }
  let text = '';
  let at = 0;
  for (const { start, end, text: filled } of replacements.toSorted((a, b) => a.start - b.start)) {
    text += template.text.slice(at, start) + filled;
    at = end;
  }
  text += template.text.slice(at);
  const missing = findMissing(dialect, text);
  return { text: missing.length === 0 ? removeTemplateNotice(text) : text, filled: replacements.length, missing };
}

/** The same name may occur more than once: the first, the second, … belong together. */
function numberNames(values: readonly ConfigValue[]): Map<string, ConfigValue> {
  const counts = new Map<string, number>();
  const named = new Map<string, ConfigValue>();
  for (const value of values) {
    if (value.name === '') continue;
    const count = (counts.get(value.name) ?? 0) + 1;
    counts.set(value.name, count);
    named.set(`${value.name}\n${count}`, value);
  }
  return named;
}

/** As it is written there, with its quotes. */
function copyValue(text: string, to: ConfigValue, existing: string, from: ConfigValue): Replacement | undefined {
  const content = existing.slice(from.start, from.end);
  if (content.includes(redactionMark)) return undefined;
  if ((to.indent === undefined) !== (from.indent === undefined)) return undefined;
  if (to.indent !== undefined && from.indent !== undefined) {
    const lines = content
      .split('\n')
      .map((line) => (line.startsWith(from.indent ?? '') ? `${to.indent}${line.slice(from.indent?.length)}` : line));
    return { start: to.start, end: to.end, text: lines.join('\n') };
  }
  const range = withQuotes(text, to);
  return { ...range, text: `${from.quote}${content}${from.quote}` };
}

/** As its dialect writes any text; undefined where it cannot be written there. */
function writeValue(dialect: Dialect, text: string, to: ConfigValue, value: string): Replacement | undefined {
  const isPlain = /^[\w./:@%+,=~-]*$/.test(value);
  if (isPlain && to.indent === undefined) return { start: to.start, end: to.end, text: value };
  if (to.indent !== undefined) {
    const lines = value.split(/\r?\n/).map((line) => `${to.indent}${line}`);
    return { start: to.start, end: to.end, text: lines.join('\n') };
  }
  const range = withQuotes(text, to);
  switch (dialect.name) {
    case 'env':
      if (!value.includes("'") && !value.endsWith('\\')) return { ...range, text: `'${value}'` };
      return { ...range, text: `"${value.replaceAll(/[\\"$`]/g, String.raw`\$&`)}"` };
    case 'yaml':
    case 'json':
      /* The value of `- KEY=value` is a part of a text and has no quotes of its own. */
      if (to.quote === '' && /[\w.-]=$/.test(text.slice(0, to.start))) return undefined;
      return { ...range, text: JSON.stringify(value) };
    default:
      if (/[\r\n]/.test(value) || (to.quote !== '' && value.includes(to.quote))) return undefined;
      return { start: to.start, end: to.end, text: value };
  }
}

function withQuotes(text: string, { start, end, quote, quoteWhenBlanked }: ConfigValue): { start: number; end: number } {
  const width = quote !== '' || (quoteWhenBlanked !== undefined && text[start - 1] === '"') ? 1 : 0;
  return { start: start - width, end: end + width };
}

function findMissing(dialect: Dialect, text: string): string[] {
  const values = dialect.readValues(text);
  const missing: string[] = [];
  for (let at = text.indexOf(redactionMark); at >= 0; at = text.indexOf(redactionMark, at + 1)) {
    const value = values.find(({ start, end }) => start <= at && at < end);
    if (value?.kind === 'comment' && /^\s*[#;/!]/.test(text.slice(value.start, value.end))) continue;
    const name = value === undefined || value.name === '' ? `line ${text.slice(0, at).split(/\r\n|\n|\r/).length}` : value.name;
    if (!missing.includes(name)) missing.push(name);
  }
  return missing;
}
