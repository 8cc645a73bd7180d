/**
 * Where sequences stand. They belong to no snapshot: nextval moves them for everybody at once, and pg_dump reads each at a moment of its own. So their
 * positions are read before the dump and after it, and what is in the dump lies between.
 */
import { isError } from '../../errors.ts';
import { qualifiedName } from './counts.ts';
import { type PostgresServer, withSession } from './server.ts';
import type { PostgresSession } from './session.ts';

export interface SequencePosition {
  readonly schema: string;
  readonly name: string;
  /** The last value that was given out; one step before the first where there was none. Any 64-bit number. */
  readonly at: string;
}

/** A sequence as a capture notes it: in the dump it stands at one of these or between them. */
export interface SequenceSpan {
  readonly schema: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

const listPositions = `
  SELECT schemaname::text AS schema, sequencename::text AS name, coalesce(last_value::numeric, start_value::numeric - increment_by)::text AS at
  FROM pg_sequences WHERE schemaname <> 'information_schema' AND schemaname !~ '^pg_' ORDER BY 1, 2`;

/** Every sequence that the user can see. */
function readPositions(session: PostgresSession): Promise<SequencePosition[]> {
  return session.query<SequencePosition & Record<string, string>>(listPositions);
}

/**
 * The same within a transaction that goes on, holding nothing afterwards. Undefined where they cannot be read, which is no reason to go without a
 * backup: one of them was dropped at this very moment, or the server is older than version 10.
 */
export async function readPositionsSoftly(session: PostgresSession): Promise<SequencePosition[] | undefined> {
  await session.query('SAVEPOINT holdfast_sequences');
  try {
    return await readPositions(session);
  } catch (error) {
    if (!isError(error, 'postgres-failed') && !isError(error, 'postgres-permission')) throw error;
    return undefined;
  } finally {
    await session.query('ROLLBACK TO SAVEPOINT holdfast_sequences');
  }
}

/** Those that were there both times. */
export function spansOf(before: readonly SequencePosition[], after: readonly SequencePosition[]): SequenceSpan[] {
  const later = new Map(after.map((sequence) => [qualifiedName(sequence), sequence.at]));
  return before.flatMap(({ schema, name, at: from }) => {
    const to = later.get(qualifiedName({ schema, name }));
    return to === undefined ? [] : [{ schema, name, from, to }];
  });
}

export interface SequenceComparison {
  readonly sequences: number;
  /** One line each: `sequence "public"."orders_id_seq" is at 41, and was at 42`. */
  readonly mismatches: readonly string[];
}

/** Compares the sequences of a restored database with what was noted when it was saved. */
export async function compareSequences(server: PostgresServer, expected: readonly SequenceSpan[]): Promise<SequenceComparison> {
  if (expected.length === 0) return { sequences: 0, mismatches: [] };
  const found = new Map((await withSession(server, readPositions)).map((sequence) => [qualifiedName(sequence), sequence.at]));
  const mismatches = expected.flatMap((sequence) => {
    const name = qualifiedName(sequence);
    const at = found.get(name);
    if (at === undefined) return [`sequence ${name} is missing`];
    return isWithin(at, sequence) ? [] : [`sequence ${name} is at ${at}, and was at ${describeSpan(sequence)}`];
  });
  return { sequences: expected.length, mismatches };
}

function isWithin(at: string, { from, to }: SequenceSpan): boolean {
  const [low, high] = [BigInt(from), BigInt(to)].toSorted((a, b) => (a < b ? -1 : 1));
  return low !== undefined && high !== undefined && BigInt(at) >= low && BigInt(at) <= high;
}

function describeSpan({ from, to }: SequenceSpan): string {
  return from === to ? from : `${from} to ${to}`;
}
