/** The reference of holdfast.yaml, made of its JSON Schema. */
import type { JsonSchema } from '../src/config/json-schema.ts';

export const referenceMark = '<!-- What follows is generated from src/config/schema/ by `npm run docs`: do not edit. -->';

/** The page: what people wrote of it, up to the mark, and the reference below. Throws where the mark is missing. */
export function renderConfiguration(page: string, schema: JsonSchema): string {
  const at = page.indexOf(referenceMark);
  if (at === -1)
    throw new Error('Cannot write the reference of the configuration: docs/configuration.md has no mark that says where it begins.');
  return `${page.slice(0, at)}${referenceMark}\n\n${renderReference(schema)}`;
}

function renderReference(schema: JsonSchema): string {
  const sections: string[] = [];
  sections.push(table(rowsOf(schema, '').filter(({ depth }) => depth === 0)));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (name === 'profiles') continue;
    const inner = innerOf(property);
    if (inner.length === 0) continue;
    sections.push(`### ${name}\n\n${property.description ?? ''}\n`);
    if (name !== 'components') {
      sections.push(table(inner));
      continue;
    }
    // Each kind of component has a table of its own.
    sections.push(table(inner.filter(({ depth, key }) => depth === 0 || key.startsWith('hooks.'))));
    const component = typeof property.additionalProperties === 'object' ? property.additionalProperties : {};
    for (const [kind, source] of Object.entries(component.properties ?? {})) {
      const keys = innerOf(source);
      if (keys.length === 0 || kind === 'hooks') continue;
      sections.push(`#### ${kind}\n\n${source.description ?? ''}${exampleOf(source)}\n`, table(keys));
    }
  }
  return `${sections.join('\n')}`;
}

interface Row {
  readonly depth: number;
  readonly key: string;
  readonly what: string;
}

function innerOf(schema: JsonSchema): Row[] {
  return mappingsOf(schema).flatMap((mapping) => rowsOf(mapping, ''));
}

/** The mappings that a value may be, alone or in a list. */
function mappingsOf(schema: JsonSchema): JsonSchema[] {
  if (schema.properties !== undefined) return [schema];
  if (typeof schema.additionalProperties === 'object') return mappingsOf(schema.additionalProperties);
  if (schema.anyOf !== undefined) return uniqueMappings(schema.anyOf.flatMap(mappingsOf));
  return schema.items === undefined ? [] : mappingsOf(schema.items);
}

/* `a command, or a list of commands` holds the same mapping twice. */
function uniqueMappings(mappings: readonly JsonSchema[]): JsonSchema[] {
  const keys = mappings.map(({ properties }) => Object.keys(properties ?? {}).join());
  return mappings.filter((_, index) => keys.indexOf(keys[index] ?? '') === index);
}

function rowsOf({ properties = {} }: JsonSchema, prefix: string, depth = 0): Row[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    const key = `${prefix}${name}`;
    const isSecret = mappingsOf(property).some((mapping) => mapping.properties !== undefined && 'command' in mapping.properties);
    const below = isSecret || depth > 2 ? [] : mappingsOf(property).flatMap((mapping) => rowsOf(mapping, `${key}.`, depth + 1));
    return [{ depth, key, what: describe(property, isSecret) }, ...below];
  });
}

function describe(property: JsonSchema, isSecret: boolean): string {
  const parts = [property.description ?? ''];
  const words = wordsOf(property);
  if (words.length === 1) parts.push(`Or \`${words.join()}\`.`);
  if (words.length > 1) parts.push(`One of ${words.map((word) => `\`${word}\``).join(', ')}.`);
  if (isSecret) parts.push('A [secret](#how-do-i-keep-secrets-out-of-the-file).');
  if (property['default'] !== undefined) parts.push(`Default: \`${inFlow(property['default'])}\`.`);
  const example = examplesOf(property)[0];
  if (example !== undefined && property.properties === undefined)
    parts.push(`Such as \`${typeof example === 'string' ? example : inFlow(example)}\`.`);
  return parts.join(' ').replaceAll('|', '\\|');
}

function wordsOf({ enum: words, anyOf = [] }: JsonSchema): string[] {
  const own = Array.isArray(words) ? words.map(String) : [];
  return [...own, ...anyOf.flatMap((option) => ('const' in option ? [String(option['const'])] : []))];
}

function examplesOf({ examples }: JsonSchema): readonly unknown[] {
  return Array.isArray(examples) ? examples : [];
}

function exampleOf(schema: JsonSchema): string {
  const examples = examplesOf(schema);
  if (examples.length === 0) return '';
  const shown = examples.map((example) => `\`${typeof example === 'string' ? example : inFlow(example)}\``);
  return ` Such as ${shown.join(' or ')}.`;
}

/** As YAML in one line. */
function inFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inFlow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${inFlow(inner)}`)
    .join(', ')} }`;
}

function table(rows: readonly Row[]): string {
  return `| key | meaning |\n|---|---|\n${rows.map(({ key, what }) => `| \`${key}\` | ${what} |`).join('\n')}\n`;
}
