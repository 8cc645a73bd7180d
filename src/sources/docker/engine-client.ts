/**
 * Questions to the engine's HTTP interface, over docker-modem. The only file that knows that package, which is loaded when it is used. Every answer is
 * taken as a stream and read here: the package itself would wait for ever for an answer that is cut, and keep whole logs in memory.
 */
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type DockerModem from 'docker-modem';
import type { z } from 'zod';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { EngineAddress } from './engine-address.ts';

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | object>>;
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal;
  /** Milliseconds until the answer must have come whole; a minute where absent. */
  readonly withinMs?: number;
  /** For people, after "Cannot": `stop the container "web"`. */
  readonly action: string;
  /** The error for an answer of status 400 and above; `docker-failed` where absent or where it gives undefined. */
  readonly refused?: (status: number, reason: string) => HoldfastError | undefined;
}

export interface EngineClient {
  readonly address: EngineAddress;
  /** Asks, and reads the answer as JSON. Throws `docker-unreachable`, `docker-permission`, or what `refused` says. */
  ask<Schema extends z.ZodType>(question: Question, schema: Schema): Promise<z.output<Schema>>;
  /** Tells the engine to do something whose answer says nothing. Throws as `ask`. */
  tell(question: Question): Promise<void>;
  /** Asks for a stream, which throws when the connection breaks before its end. Throws as `ask`. */
  download(question: Question): Promise<Readable>;
  /** Sends a stream as the body. Throws as `ask`, or what the stream threw. */
  upload(question: Question, body: AsyncIterable<Uint8Array>): Promise<void>;
  /** Takes the connection over: what is written to the socket goes to the command, what it writes comes from it. Throws as `ask`. */
  takeOver(question: Question): Promise<Socket>;
}

const answerLimit = 64 * 1024 * 1024;
const patience = 60_000;
const goodStatuses = { 101: true, 200: true, 201: true, 204: true, 304: true };

/** Makes the client; nothing is asked yet. */
export async function createEngineClient(address: EngineAddress): Promise<EngineClient> {
  const { default: Modem } = await import('docker-modem');
  const modem = new Modem(modemOptions(address));
  const dial = (question: Question, more: Partial<DockerModem.DialOptions>, signal?: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { query = {}, body = {}, method = 'GET', path } = question;
      const request = {
        path: `${path}?`,
        method,
        isStream: true,
        statusCodes: goodStatuses,
        options: { _query: query, _body: body },
        ...more,
      };
      modem.dial(signal === undefined ? request : { ...request, abortSignal: signal }, (error, answer) => {
        if (error === null) resolve(answer);
        else reject(translate(error, question, address));
      });
    });
  const open = async (question: Question, more: Partial<DockerModem.DialOptions> = {}, signal = question.signal): Promise<Readable> => {
    const answer = await dial(question, more, signal);
    if (!(answer instanceof Readable)) throw new TypeError('the engine answers with a stream');
    return answer;
  };
  const readAnswer = async (question: Question, more?: Partial<DockerModem.DialOptions>): Promise<string> => {
    const limit = AbortSignal.timeout(question.withinMs ?? patience);
    const signal = question.signal === undefined ? limit : AbortSignal.any([limit, question.signal]);
    try {
      return await readText(await open(question, more, signal));
    } catch (error) {
      throw translate(error, question, address);
    }
  };
  return {
    address,
    ask: async (question, schema) => {
      const text = await readAnswer(question);
      const parsed = schema.safeParse(parseJson(text));
      if (!parsed.success)
        throw new HoldfastError(
          'docker-failed',
          { action: question.action, reason: 'the engine gave an answer of an unknown form' },
          parsed.error,
        );
      return parsed.data;
    },
    tell: async (question) => void (await readAnswer({ method: 'POST', ...question })),
    download: (question) => open(question),
    upload: async (question, body) => {
      const failures: unknown[] = [];
      const watched = Readable.from(
        watchFailure(body, (error) => failures.push(error)),
        { objectMode: false },
      );
      try {
        const more = { file: watched };
        await readText(await open({ method: 'PUT', ...question }, more));
      } catch (error) {
        if (failures.length > 0) throw failures[0];
        throw translate(error, question, address);
      } finally {
        watched.destroy();
      }
    },
    takeOver: async (question) => {
      const answer = await dial({ method: 'POST', ...question }, { hijack: true, openStdin: true });
      if (answer instanceof Socket) return answer;
      if (answer instanceof Readable) answer.destroy();
      throw new HoldfastError('docker-failed', {
        action: question.action,
        reason: 'the engine, or a proxy before it, does not hand the connection over',
      });
    },
  };
}

/* A connection kept for later may be one that the engine has closed since. */
const headers = { connection: 'close' };

/* Every option is named, so that none is taken from the variables of this process instead. */
function modemOptions({ connection }: EngineAddress): DockerModem.ConstructorOptions {
  if ('socketPath' in connection)
    return {
      socketPath: connection.socketPath,
      host: undefined,
      port: undefined,
      protocol: 'http',
      ca: undefined,
      cert: undefined,
      key: undefined,
      timeout: undefined,
      headers,
    };
  const { host, port, tls } = connection;
  const address = { socketPath: undefined, host: host.includes(':') ? `[${host}]` : host, port, timeout: undefined, headers };
  if (tls === undefined) return { ...address, protocol: 'http', ca: undefined, cert: undefined, key: undefined };
  return { ...address, protocol: 'https', ...tls };
}

async function readText(answer: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > answerLimit) throw new RangeError(`the answer has more than ${answerLimit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* watchFailure(body: AsyncIterable<Uint8Array>, failed: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    failed(error);
    throw error;
  }
}

function translate(error: unknown, question: Question, address: EngineAddress): Error {
  if (error instanceof HoldfastError) return error;
  const engine = address.title;
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number') {
    const reason = reasonOf(error)
      .replace(/^\(HTTP code \d+\) \w* ?- ?/, '')
      .trim();
    return question.refused?.(status, reason) ?? new HoldfastError('docker-failed', { action: question.action, reason }, error);
  }
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (question.signal?.aborted === true) return new HoldfastError('interrupted', {}, error);
  if (code === 'EACCES' || code === 'EPERM') return new HoldfastError('docker-permission', { engine }, error);
  return new HoldfastError('docker-unreachable', { engine, reason: whyUnreachable(code, error, question) }, error);
}

function whyUnreachable(code: unknown, error: unknown, question: Question): string {
  if (code === 'ENOENT') return 'there is no such socket';
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (error instanceof Error && (error.name === 'TimeoutError' || code === 'ABORT_ERR'))
    return `it gave no answer within ${Math.round((question.withinMs ?? patience) / 1000)} s`;
  return reasonOf(error);
}
