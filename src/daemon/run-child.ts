/**
 * Runs a command line in a process of its own, so that what goes wrong there is a failed run and nothing more. It is told who asked by
 * variables: HOLDFAST_TRIGGER, HOLDFAST_JOB (several: with commas), HOLDFAST_DUE. Of what it prints little is kept, however much that is.
 *
 * It is not tied to the daemon's life: where the daemon is killed, the run goes on and ends by itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { HoldfastError, reasonOf } from '../errors.ts';
import type { Program } from './program.ts';
import type { ActiveRun, RunOutcome } from './run.ts';

export interface ChildOrder {
  readonly program: Program;
  /** The words behind `holdfast`. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** How long it may take to end when it was asked to, before it is ended by force. Default: a minute. */
  readonly graceMs?: number;
}

type JsonObject = Readonly<Record<string, unknown>>;

const usualGrace = 60_000;
/** Characters of one line; a longer one is not looked at. */
const longestLine = 256 * 1024;
const mostProblems = 12;
const longestText = 500;

/** Starts it. Never throws: what cannot be started has ended with an error. */
export function startChild(order: ChildOrder): ActiveRun {
  const { program, words, environment, folder } = order;
  const child = spawn(program.file, [...program.args, ...words], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Of a group of its own: Ctrl-C at the daemon's terminal reaches the daemon, which then ends it as it should be ended.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  const heard = listen(child);
  let force: NodeJS.Timeout | undefined;
  const ended = new Promise<RunOutcome>((resolve) => {
    child.once('close', (status, signal) => resolve(heard.outcome(status, signal)));
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      const { code, message, hint } = new HoldfastError('run-not-started', { reason: reasonOf(error) });
      resolve({ problems: [], error: { code, message, hint } });
    });
  }).finally(() => clearTimeout(force));
  return {
    pid: child.pid,
    ended,
    progress: () => heard.progress,
    stop: () => {
      if (force !== undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      force = setTimeout(() => child.kill('SIGKILL'), order.graceMs ?? usualGrace);
    },
  };
}

interface Heard {
  progress: JsonObject | undefined;
  outcome(status: number | null, signal: NodeJS.Signals | null): RunOutcome;
}

function listen({ stdout, stderr }: ChildProcess): Heard {
  let [summary, error]: [JsonObject | undefined, RunOutcome['error']] = [undefined, undefined];
  const problems: string[] = [];
  const heard: Heard = {
    progress: undefined,
    outcome: (status, signal) => ({
      ...(status === null ? {} : { status }),
      ...(signal === null ? {} : { signal }),
      ...(error === undefined ? {} : { error }),
      problems,
      ...(summary === undefined ? {} : { summary }),
    }),
  };
  readRecords(stdout, (record) => {
    // A receiver says how far it is behind less often than how much came.
    if (record['message_type'] === 'status') heard.progress = { ...heard.progress, ...plainOf(record) };
    if (record['message_type'] === 'summary') summary = plainOf(record);
  });
  readRecords(stderr, (record) => {
    if (record['message_type'] === 'exit_error')
      error = { code: textOf(record['error']), message: textOf(record['message']), hint: textOf(record['hint']) };
    if (record['message_type'] === 'error' && problems.length < mostProblems) problems.push(problemOf(record));
  });
  return heard;
}

function problemOf({ item, error }: JsonObject): string {
  return `${textOf(item)}: ${isObject(error) ? textOf(error['message']) : textOf(error)}`;
}

/** Lines that are JSON objects; everything else, and lines that are too long, are left alone. */
function readRecords(stream: Readable | null, take: (record: JsonObject) => void): void {
  let rest = '';
  let isTooLong = false;
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const [index, line] of lines.entries()) {
      const record = index === 0 && isTooLong ? undefined : parse(line);
      if (record !== undefined) take(record);
    }
    if (lines.length > 0) isTooLong = false;
    if (rest.length > longestLine) [rest, isTooLong] = ['', true];
  });
}

function parse(line: string): JsonObject | undefined {
  if (!line.startsWith('{') || line.length > longestLine) return undefined;
  try {
    const record: unknown = JSON.parse(line);
    return isObject(record) ? record : undefined;
  } catch {
    // Something that a program below it printed.
    return undefined;
  }
}

/** Numbers and short texts of a record: lists in it may be long. */
function plainOf(record: JsonObject): JsonObject {
  const isPlain = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
  const shorten = (value: unknown): unknown => (typeof value === 'string' ? textOf(value) : value);
  return Object.fromEntries(Object.entries(record).flatMap(([key, value]) => (isPlain(value) ? [[key, shorten(value)]] : [])));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, longestText) : '';
}
