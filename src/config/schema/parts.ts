/**
 * What the schema is made of. The message of every check says what is allowed; `describe-issues.ts` adds where it is, what was found and
 * the nearest right word. Descriptions end up in the JSON Schema and in docs/configuration.md. Nothing here changes a value: shorthands
 * are written out by `understand-*.ts`, so that the JSON Schema is that of the file.
 */
import { z } from 'zod';
import { durationForm, parseSize, sizeForm } from '../../util/quantities.ts';
import { readDuration } from '../quantities.ts';

type Shape = Readonly<Record<string, z.ZodType>>;

/** A mapping with these keys and no others. */
export function mapping<Keys extends Shape>(shape: Keys) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? keys : `a mapping with ${keys}`) });
}

/** A mapping whose keys are names that people choose. At least one. */
export function named<Value extends z.ZodType>(value: Value, what: string) {
  return z
    .record(z.string().regex(nameForm, { error: nameRule }), value, { error: `a mapping from names to ${what}` })
    .refine((record) => !isMapping(record) || Object.keys(record).length > 0, {
      error: `a mapping with at least one of the ${what}`,
      ...always,
    });
}

const nameForm = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const nameRule = 'names of letters, digits, ".", "_" and "-" that begin with a letter';

/** Text of one line or more. */
export function text(allowed = 'a text') {
  return z
    .string({ error: allowed })
    .min(1, { error: allowed })
    .refine((value) => !value.includes('\0'), { error: `${allowed} without a zero byte` });
}

/** Text that fits a pattern. */
export function textLike(form: RegExp, allowed: string) {
  return z.string({ error: allowed }).regex(form, { error: allowed });
}

export function wordOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: words.join(', ') });
}

export function yesNo() {
  return z.boolean({ error: 'true and false' });
}

export function wholeNumber(least: number, most: number) {
  const error = `a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** One, or a list of at least one. */
export function oneOrMany<Item extends z.ZodType>(item: Item, allowed: string) {
  return z.union([item, z.array(item, { error: allowed }).min(1, { error: `${allowed} with at least one in it` })], { error: allowed });
}

const durationRule = 'a duration such as 90s, 10m, 2m30s or 24h';

export function duration() {
  return textLike(durationForm, durationRule).refine((value) => !durationForm.test(value) || readDuration(value) !== undefined, {
    error: `${durationRule}, from 1ms to 24d`,
  });
}

export function size() {
  const error = 'a size in bytes, or such as 500K, 64M or 1.5G';
  const written = textLike(sizeForm, error).refine((value) => parseSize(value) !== undefined, { error });
  return z.union([z.int({ error }).min(0, { error }), written], { error });
}

/** Exactly one of these keys. */
export function exactlyOne<Schema extends z.ZodType>(schema: Schema, keys: readonly string[]): Schema {
  return rule(schema, (value) => {
    const found = keys.filter((key) => key in value);
    if (found.length === 1) return undefined;
    const allowed = `exactly one of ${keys.join(', ')}`;
    return found.length === 0 ? { found: 'none of them', allowed, missing: true } : { found: found.join(' and '), allowed };
  });
}

/** `keys` are only allowed where one of `with_` is given. */
export function onlyWith<Schema extends z.ZodType>(schema: Schema, keys: readonly string[], partners: readonly string[]): Schema {
  return rule(schema, (value) => {
    const stray = keys.find((key) => key in value);
    if (stray === undefined || partners.some((partner) => partner in value)) return undefined;
    return { at: stray, found: `"${stray}" without ${partners.join(' or ')}`, allowed: 'both together' };
  });
}

export interface BrokenRule {
  /** The key to point at; the mapping itself when absent. */
  readonly at?: string;
  readonly found: string;
  readonly allowed: string;
  /** A key is missing: not told where an unknown key stands, which was probably meant to be it. */
  readonly missing?: boolean;
}

/** A rule about several keys of a mapping. It is judged even where single values are wrong, so that all errors come at once. */
export function rule<Schema extends z.ZodType>(
  schema: Schema,
  judge: (value: Readonly<Record<string, unknown>>) => BrokenRule | undefined,
): Schema {
  return schema.superRefine((value, context) => {
    if (!isMapping(value)) return;
    const broken = judge(value);
    if (broken === undefined) return;
    const { at, found, allowed, missing = false } = broken;
    context.addIssue({ code: 'custom', path: at === undefined ? [] : [at], message: allowed, params: { found, missing } });
  }, always);
}

const always = { when: () => true };

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
