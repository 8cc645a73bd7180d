/** What the YAML parser complains about, in our words: its own may show a part of the text, which may be a secret. */
import type { YAMLError } from 'yaml';
import type { SourceText } from './located-tree.ts';

const sentences: Partial<Record<YAMLError['code'], string>> = {
  ALIAS_PROPS: 'found an alias with a name or a tag of its own, allowed is *NAME alone',
  BAD_ALIAS: 'found an alias that is none, allowed is *NAME',
  BAD_DIRECTIVE: 'found a line with % that is no directive, allowed is %YAML 1.2',
  BAD_DQ_ESCAPE: String.raw`found an unknown \ in double quotes, allowed are \n, \t, \", \\ and their kin; in single quotes \ is an ordinary character`,
  BAD_INDENT: 'found a line that is indented wrongly, allowed is as deep as its neighbours, and deeper than what it belongs to',
  BAD_PROP_ORDER: 'found & or ! in the wrong place, allowed is directly before the value',
  BAD_SCALAR_START: 'found a text that begins with @, ` or %, allowed is such a text in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'found a second ": " in one line, allowed is one; put a text that holds it in quotes',
  BLOCK_IN_FLOW: 'found a list or mapping of several lines inside { } or [ ], allowed is one in { } or [ ]',
  KEY_OVER_1024_CHARS: 'found a key of more than 1024 characters, allowed are shorter ones',
  MISSING_CHAR: 'found a value without its end, allowed is one with its closing quote, bracket, comma or ":"',
  MULTILINE_IMPLICIT_KEY: 'found a key without ":", allowed is KEY: VALUE',
  MULTIPLE_ANCHORS: 'found two names for one value, allowed is one',
  MULTIPLE_DOCS: 'found a second document, allowed is one in a file',
  MULTIPLE_TAGS: 'found two tags for one value, allowed is none',
  TAB_AS_INDENT: 'found a tab at the beginning of a line, allowed are spaces',
  TAG_RESOLVE_FAILED: 'found a tag (a word that begins with !), allowed are none; put a text that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'found something that does not belong here, allowed is YAML: KEY: VALUE, or - ITEM',
};

/** The sentence for one complaint of the parser. */
export function describeSyntaxError({ code, pos }: YAMLError, { text, lines }: SourceText): string {
  const start = lines.lineStarts[lines.linePos(pos[0]).line - 1] ?? 0;
  const before = text.slice(Math.max(start, pos[1] - 500), pos[1]);
  if (code === 'BAD_INDENT' && before.startsWith('\t')) return sentences.TAB_AS_INDENT ?? code;
  if (/[{[].*\$\{/.test(before)) return 'found ${ without quotes inside { } or [ ], allowed is "${NAME}" in quotes there';
  return sentences[code] ?? 'found something that is no YAML, allowed is YAML: KEY: VALUE, or - ITEM';
}
