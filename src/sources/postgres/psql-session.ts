/**
 * A session by way of psql, where a connection of our own cannot go: statements go in on its stdin, results come out as JSON. Each answer
 * ends with a mark that nobody can guess, so that nothing a database holds can pass for one.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import type { Subprocess } from '../../util/subprocess.ts';
import type { PostgresLogin } from './login.ts';
import type { PostgresServer, PostgresTool } from './server.ts';
import { ServerComplaint, recognizeComplaint, summarizeComplaint, translateServerError } from './server-errors.ts';
import type { PostgresSession, SqlValue } from './session.ts';

const rowsSchema = z.array(z.record(z.string(), z.unknown()));
const largestAnswer = 1024 * 1024 * 1024;

/* Names in our statements must mean the server's own objects, whatever this database holds. */
const settings = [
  "SET client_encoding = 'UTF8'",
  "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false)",
  'SET standard_conforming_strings = on',
  'SET statement_timeout = 0',
  'SET lock_timeout = 0',
  'SET idle_in_transaction_session_timeout = 0',
];

/** Starts psql where the tools are and logs in. Throws as `PostgresServer.openSession` does. */
export async function openPsqlSession(server: PostgresServer, tool: PostgresTool): Promise<PostgresSession> {
  const script = new Script();
  const child = await server.start({
    file: tool.path,
    args: ['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--no-password', '--file=-'],
    input: script.lines(),
  });
  const dialogue = new Dialogue(child, script, server.login);
  const close = async (): Promise<void> => {
    await dialogue.end().catch(() => {});
    await child.stop();
  };
  try {
    for (const statement of settings) await dialogue.ask(statement);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    query: async <Row extends pg.QueryResultRow>(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> =>
      /* The shape is the statement's own, as with any client. */
      (await dialogue.ask(fillIn(sql, values))) as Row[],
    close,
  };
}

/** What psql reads, written as it is needed. */
class Script {
  readonly #waiting: string[] = [];
  #ended = false;
  #wake: () => void = () => {};

  push(line: string): void {
    this.#waiting.push(line);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *lines(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#ended || this.#waiting.length > 0) {
      const line = this.#waiting.shift();
      if (line !== undefined) yield Buffer.from(line, 'utf8');
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** One statement at a time, each with its answer. */
class Dialogue {
  readonly #child: Subprocess;
  readonly #script: Script;
  readonly #login: PostgresLogin;
  readonly #output: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(child: Subprocess, script: Script, login: PostgresLogin) {
    this.#child = child;
    this.#script = script;
    this.#login = login;
    this.#output = child.output[Symbol.asyncIterator]();
  }

  ask(sql: string): Promise<Record<string, unknown>[]> {
    const answer = this.#turn.then(() => this.#askNow(sql));
    this.#waiting += 1;
    this.#turn = answer.catch(() => {}).finally(() => (this.#waiting -= 1));
    return answer;
  }

  /** Lets psql end by itself, unless it is still at work: then that is not waited for. */
  async end(): Promise<void> {
    this.#script.end();
    if (this.#waiting === 0) while ((await this.#output.next()).done !== true);
  }

  async #askNow(sql: string): Promise<Record<string, unknown>[]> {
    const mark = randomBytes(16).toString('hex');
    const giveRows = /^\s*(SELECT|WITH|VALUES|TABLE)\b/i.test(sql);
    const statement = giveRows
      ? `SELECT coalesce(pg_catalog.json_agg(pg_catalog.row_to_json(answer)), '[]') FROM (${sql}\n) AS answer`
      : sql;
    this.#script.push(`${statement}\n;\n\\echo ${mark} :ERROR :SQLSTATE\n\\echo :LAST_ERROR_MESSAGE\n\\echo ${mark}\n`);
    const result = await this.#readTo(`${mark} `);
    const [failed = '', code = ''] = (await this.#readTo('\n')).trim().split(' ');
    const message = (await this.#readTo(`${mark}\n`)).trim();
    if (failed !== 'false') throw translateServerError(new ServerComplaint(code, message), this.#login);
    return giveRows ? rowsSchema.parse(JSON.parse(result)) : [];
  }

  /** What comes before `end`. Throws when psql ends first. */
  async #readTo(end: string): Promise<string> {
    const pieces = [this.#rest];
    let searched = this.#rest;
    let size = searched.length;
    for (let at = searched.indexOf(end); ; at = searched.indexOf(end)) {
      if (at !== -1) {
        const whole = Buffer.concat(pieces);
        const place = whole.length - searched.length + at;
        this.#rest = Buffer.from(whole.subarray(place + end.length));
        return whole.toString('utf8', 0, place);
      }
      const next = await this.#output.next();
      if (next.done === true) throw await this.#failure();
      const chunk = Buffer.from(next.value);
      /* The end may lie across two chunks. */
      searched = Buffer.concat([searched.subarray(Math.max(0, searched.length - end.length + 1)), chunk]);
      pieces.push(chunk);
      size += chunk.length;
      if (size > largestAnswer) throw new RangeError('an answer of the server is too long');
    }
  }

  async #failure(): Promise<unknown> {
    this.#script.end();
    const { inputFailure, stderr, status } = await this.#child.ended;
    if (inputFailure instanceof HoldfastError) return inputFailure;
    const known = recognizeComplaint(stderr, this.#login);
    if (known !== undefined) return known;
    const complaint = summarizeComplaint(stderr, this.#login);
    return translateServerError(new Error(complaint === '' ? `psql ended with status ${status ?? 'unknown'}` : complaint), this.#login);
  }
}

/** Puts values in the places of `$1`, `$2`, …, each as a literal. For statements of our own, in which `$1` is always such a place. */
function fillIn(sql: string, values: readonly SqlValue[]): string {
  if (values.length === 0) return sql;
  return sql.replaceAll(/\$(\d+)/g, (_, number: string) => {
    const value = values[Number(number) - 1];
    return value === null || value === undefined ? 'NULL' : pg.escapeLiteral(String(value));
  });
}
