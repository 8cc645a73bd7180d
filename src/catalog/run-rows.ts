/** Runs as rows and back. What a row holds is read with care: another version may have written it. */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { type JsonObject, readObject, readString, readStrings } from '../util/wire.ts';
import {
  runKinds,
  runStatuses,
  runTriggers,
  type RunFacts,
  type RunFailure,
  type RunQuery,
  type RunRecord,
  type RunResult,
} from './run-record.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

const longestText = 2000;

/** Columns of what is known of a run; what is undefined is left out. */
export function columnsOf(run: Partial<RunRecord>): Record<string, SQLInputValue> {
  const { components, facts, error, due, began, ended, trigger, ...plain } = run;
  const columns: Record<string, SQLInputValue | undefined> = {
    ...plain,
    asked_by: trigger,
    components: components && JSON.stringify(components.slice(0, 1000)),
    facts: facts && JSON.stringify(facts),
    error: error && JSON.stringify(shorten(error)),
    due: due?.getTime(),
    began: began?.getTime(),
    ended: ended?.getTime(),
  };
  return Object.fromEntries(Object.entries(columns).filter((column): column is [string, SQLInputValue] => column[1] !== undefined));
}

function shorten({ code, message, hint }: RunFailure): RunFailure {
  return { code, message: message.slice(0, longestText), hint: hint.slice(0, longestText) };
}

/** Undefined for a row that cannot be understood. */
export function readRun(row: Row): RunRecord | undefined {
  try {
    const error = readFailure(row['error']);
    return {
      id: readString(row['id'], 'id'),
      kind: runKinds.find((kind) => kind === row['kind']) ?? 'other',
      components: readStrings(parse(row['components']), 'components'),
      trigger: runTriggers.find((trigger) => trigger === row['asked_by']) ?? 'person',
      began: timeOf(row['began']) ?? new Date(0),
      status: runStatuses.find((status) => status === row['status']) ?? 'failed',
      facts: readFacts(readObject(parse(row['facts']), 'facts')),
      host: readString(row['host'], 'host'),
      user: readString(row['user'], 'user'),
      pid: numberOf(row['pid']) ?? 0,
      ...given('application', textOf(row['application'])),
      ...given('configuration', textOf(row['configuration'])),
      ...given('repository', textOf(row['repository'])),
      ...given('job', textOf(row['job'])),
      ...given('due', timeOf(row['due'])),
      ...given('ended', timeOf(row['ended'])),
      ...given('exit', numberOf(row['exit'])),
      ...given('point', textOf(row['point'])),
      ...given('error', error),
    };
  } catch {
    return undefined;
  }
}

/** What a query asks for, as a condition and its values. */
export function conditionOf(query: RunQuery): { readonly where: string; readonly values: SQLInputValue[] } {
  const parts: [string, SQLInputValue][] = [];
  for (const name of ['kind', 'status', 'application', 'configuration', 'repository'] as const) {
    const value = query[name];
    if (value !== undefined) parts.push([`${name} = ?`, value]);
  }
  // One run may serve several, told with commas.
  if (query.job !== undefined) parts.push(["instr(',' || job || ',', ',' || ? || ',') > 0", query.job]);
  if (query.since !== undefined) parts.push(['began >= ?', query.since.getTime()]);
  if (query.component !== undefined)
    parts.push(["(components = '[]' OR EXISTS (SELECT 1 FROM json_each(components) WHERE value = ?))", query.component]);
  return { where: parts.length === 0 ? 'TRUE' : parts.map(([sql]) => sql).join(' AND '), values: parts.map(([, value]) => value) };
}

/** The columns that an end sets. */
export function columnsOfEnd(result: RunResult, ended: Date): Record<string, SQLInputValue> {
  return columnsOf({ ...result, ended });
}

function readFacts(facts: JsonObject): RunFacts {
  return Object.fromEntries(
    Object.entries(facts).filter((fact): fact is [string, number | string] => typeof fact[1] === 'number' || typeof fact[1] === 'string'),
  );
}

function readFailure(value: SQLOutputValue | undefined): RunFailure | undefined {
  if (typeof value !== 'string') return undefined;
  const wire = readObject(parse(value), 'error');
  return {
    code: readString(wire['code'], 'code'),
    message: readString(wire['message'], 'message'),
    hint: readString(wire['hint'], 'hint'),
  };
}

function parse(value: SQLOutputValue | undefined): unknown {
  return typeof value === 'string' ? JSON.parse(value) : undefined;
}

function textOf(value: SQLOutputValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: SQLOutputValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function timeOf(value: SQLOutputValue | undefined): Date | undefined {
  return typeof value === 'number' ? new Date(value) : undefined;
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  const record: Partial<Record<Name, Value>> = {};
  if (value !== undefined) record[name] = value;
  return record;
}
