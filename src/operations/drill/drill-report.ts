/**
 * The report of a drill: what was restored, what it was compared with, how long each step took, and what came of it. It is kept in the repository, so
 * everything in it is bounded and checked when it is read.
 */
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';

const text = z.string().max(10_000);
const shortText = z.string().max(1000);
const count = z.number().nonnegative();
const id = z.string().regex(/^[0-9a-f]{64}$/);
const lines = z.array(text).max(1000);
const errorSchema = z.object({ code: shortText, message: text, hint: text });
const pointSchema = z.object({ id, time: shortText, host: shortText });
const verdict = z.enum(['proven', 'disproved', 'failed']);

const stepSchema = z.object({ name: shortText, seconds: count });

const componentSchema = z.object({
  name: shortText,
  kind: shortText,
  /** Whose snapshot it was: that of the report, or an older one. */
  point: id,
  snapshot: id,
  verdict,
  seconds: count,
  steps: z.array(stepSchema).max(1000),
  /** Bytes that were restored. */
  bytes: count,
  /** How many of each were compared: tables, rows, sequences, files, streams, segments, indexes, … */
  compared: z.record(shortText, count),
  /** What differs, a line each. */
  mismatches: lines,
  /** What somebody should know, a sentence each. */
  remarks: lines,
  error: errorSchema.optional(),
});

const assertionSchema = z.object({ name: shortText, passed: z.boolean(), seconds: count, reason: text.optional() });

/** A report that was there when this one was made, and was named by none yet. */
const previousSchema = z.object({ name: shortText, sha256: id });

const reportSchema = z.object({
  format: z.literal(1),
  /** 16 digits, drawn at random. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  application: shortText.nullable(),
  /** Its name in the configuration; null where it was asked for by hand. */
  drill: shortText.nullable(),
  kind: z.enum(['check', 'restore', 'full']),
  repository: z.object({ id: shortText, location: text }),
  point: pointSchema,
  began: z.iso.datetime(),
  ended: z.iso.datetime(),
  seconds: count,
  withinSeconds: count,
  /**
   * `proven`: everything that was to be restored was, and is as it was. `disproved`: something is not, or could not be restored from what the
   * repository has, or in the time. `failed`: it could not be tried.
   */
  verdict,
  by: z.object({ user: shortText, host: shortText, trigger: shortText }),
  versions: z.record(shortText, shortText),
  components: z.array(componentSchema).max(10_000),
  /** Of the whole: of `check` what the repository's check says, of `full` the steps of the recovery. */
  steps: z.array(stepSchema).max(10_000),
  assertions: z.array(assertionSchema).max(10_000),
  findings: lines,
  /** What somebody should know, a sentence each. */
  remarks: lines,
  error: errorSchema.optional(),
  previous: z.array(previousSchema).max(1000),
});

export type DrillReport = z.infer<typeof reportSchema>;
export type DrilledComponent = DrillReport['components'][number];
export type DrillVerdict = DrillReport['verdict'];

export function encodeDrillReport(report: DrillReport): Buffer {
  return Buffer.from(`${JSON.stringify(report, undefined, 1)}\n`, 'utf8');
}

/** Throws `damaged` for what is no report. */
export function decodeDrillReport(name: string, bytes: Uint8Array): DrillReport {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HoldfastError('damaged', { object: name, reason: 'it is not JSON' }, error);
  }
  const parsed = reportSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HoldfastError(
    'damaged',
    { object: name, reason: `it is no report of a drill (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})` },
    parsed.error,
  );
}

/** What a list has too many of, or a text too much, must not keep a report from being read again. */
export function boundLines(all: readonly string[]): string[] {
  const shown = all.slice(0, 999).map(boundText);
  return all.length > shown.length ? [...shown, `and ${all.length - shown.length} more`] : shown;
}

export function boundText(one: string): string {
  return one.length > 2000 ? `${one.slice(0, 2000)}…` : one;
}
