/** A server inside a container, reached with its own redis-cli, or by the file it saves. */
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { Container, ContainerAddress, DockerEngine } from '../docker/docker-engine.ts';
import { readSingleFile } from './container-archive.ts';
import { RedisReplyError } from './redis-connection.ts';
import type { RedisServer } from './redis-server.ts';
import { explainReplyError } from './reply-errors.ts';
import { type ServerInfo, parseInfo, readServerInfo, wantedSettings } from './server-info.ts';

export interface ContainerServerOptions {
  readonly docker: DockerEngine;
  readonly address: ContainerAddress;
  readonly password?: string;
  /** An ACL user. */
  readonly user?: string;
  /** Inside the container; 6379 where absent. */
  readonly port?: number;
}

const longestSave = 2 * 60 * 60 * 1000;
const pollMs = 200;
const replyLimit = 4 * 1024 * 1024;

export function createContainerServer(options: ContainerServerOptions): RedisServer {
  const { address } = options;
  const title = `Redis in ${'service' in address ? `the service ${address.service}` : `the container ${address.container}`}`;
  const find = (): Promise<Container> => options.docker.find(address);
  const ask = async (words: readonly string[], signal: AbortSignal): Promise<string> =>
    askRedisCli({ container: await find(), options, title, signal }, words);
  return {
    title,
    async readInfo(signal) {
      const info = parseInfo(await ask(['INFO'], signal));
      const settings = new Map<string, string>();
      for (const name of wantedSettings) {
        const answer = await ask(['CONFIG', 'GET', name], signal).catch((error: unknown) => {
          if (error instanceof HoldfastError && error.cause instanceof RedisReplyError) return undefined;
          throw error;
        });
        if (answer === undefined) break;
        const [key, value] = answer.split(/\r?\n/);
        if (key === name && value !== undefined) settings.set(name, value);
      }
      return readServerInfo(info, settings);
    },
    openSnapshot: (info, signal) => ({ bytes: takeSnapshot({ find, ask, options, title }, info, signal), mayEndWithMark: true }),
  };
}

interface Access {
  readonly find: () => Promise<Container>;
  readonly ask: (words: readonly string[], signal: AbortSignal) => Promise<string>;
  readonly options: ContainerServerOptions;
  readonly title: string;
}

/** Over replication, through redis-cli; where that gives nothing at all, the file that a save leaves. */
async function* takeSnapshot(access: Access, info: ServerInfo, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const { options, title } = access;
  const container = await access.find();
  const process = await container.exec({ ...redisCli(options, ['--rdb', '-']), signal });
  let begun = false;
  for await (const chunk of process.output) {
    begun = true;
    yield chunk;
  }
  const end = await process.ended;
  if (begun) {
    if (end.status !== 0) throw new HoldfastError('redis-cut', { title, reason: `redis-cli ended with status ${end.status}` });
    return;
  }
  await saveInBackground(access, signal);
  const path = posix.join(info.dir ?? '/data', info.dbFileName ?? 'dump.rdb');
  const file = await readSingleFile(container, path);
  if (file === undefined)
    throw new HoldfastError('redis-refused', { title, reason: `redis-cli gave no snapshot and ${path} is not in its container` });
  yield* file.bytes;
}

/** Has the server write its file, and waits until it has. Throws `redis-save-failed`. */
async function saveInBackground(access: Pick<Access, 'ask' | 'title'>, signal: AbortSignal): Promise<void> {
  const { title } = access;
  const ask = async (...words: readonly string[]): Promise<string> => (await access.ask(words, signal)).trim();
  const waitUntil = async (done: (info: ReadonlyMap<string, string>) => boolean): Promise<ReadonlyMap<string, string>> => {
    for (let waited = 0; waited < longestSave; waited += pollMs) {
      const info = parseInfo(await ask('INFO', 'persistence'));
      if (done(info)) return info;
      await sleep(pollMs, undefined, { signal }).catch(() => {
        throw new HoldfastError('interrupted');
      });
    }
    throw new HoldfastError('redis-save-failed', { title, reason: 'it took more than two hours' });
  };
  const idle = (info: ReadonlyMap<string, string>): boolean =>
    info.get('rdb_bgsave_in_progress') === '0' && info.get('aof_rewrite_in_progress') !== '1';
  /* A save that is under way began before this backup did: it may lack what was written since. */
  await waitUntil(idle);
  const before = await ask('LASTSAVE');
  /* LASTSAVE counts seconds: two saves within one could not be told apart. */
  while ((await ask('TIME')).split(/\s/)[0] === before) await sleep(pollMs);
  await ask('BGSAVE');
  const after = await waitUntil(
    (info) => idle(info) && (info.get('rdb_last_bgsave_status') !== 'ok' || info.get('rdb_last_save_time') !== before),
  );
  if (after.get('rdb_last_bgsave_status') !== 'ok')
    throw new HoldfastError('redis-save-failed', { title, reason: 'its last BGSAVE failed' });
}

interface RedisCliCall {
  readonly container: Container;
  readonly options: ContainerServerOptions;
  readonly title: string;
  readonly signal: AbortSignal;
}

/** What redis-cli prints when it does not print to a terminal: the plain value. */
async function askRedisCli({ container, options, title, signal }: RedisCliCall, words: readonly string[]): Promise<string> {
  const process = await container.exec({ ...redisCli(options, words), signal });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.output) {
    size += chunk.length;
    if (size > replyLimit) throw new HoldfastError('redis-unreachable', { title, reason: 'its answer is too long' });
    chunks.push(chunk);
  }
  const answer = Buffer.concat(chunks).toString('utf8');
  const end = await process.ended;
  const complaint = `${end.stderr}\n${answer}`;
  if (/AUTH failed|WRONGPASS|invalid password/i.test(end.stderr) || /^(?:NOAUTH|WRONGPASS)\b/.test(answer)) {
    const reason = options.password === undefined ? 'it wants a password' : 'the password is wrong, or there is no such user';
    throw new HoldfastError('redis-login', { title, reason });
  }
  const failure = /^(?:\(error\) )?([A-Z]{2,} .*|ERR .*)$/m.exec(answer.split('\n', 1)[0] ?? '')?.[1];
  if (failure !== undefined) {
    const error = new RedisReplyError(failure.trim());
    const explained = explainReplyError(error, title, options.user);
    throw explained.cause === undefined ? new HoldfastError(explained.code, explained.details, error) : explained;
  }
  if (end.status !== 0) {
    const reason =
      end.status === 126 || end.status === 127 ? 'there is no redis-cli in its container' : reasonOf(new Error(lastLine(complaint)));
    throw new HoldfastError('redis-unreachable', { title, reason });
  }
  return answer;
}

function redisCli(options: ContainerServerOptions, words: readonly string[]): { command: string[]; environment: Record<string, string> } {
  const place = options.port === undefined ? [] : ['-p', String(options.port)];
  const user = options.user === undefined ? [] : ['--user', options.user];
  return {
    command: ['redis-cli', ...place, ...user, ...words],
    environment: options.password === undefined ? {} : { REDISCLI_AUTH: options.password },
  };
}

function lastLine(text: string): string {
  return text.trim().split(/\r?\n/).at(-1)?.slice(0, 500) ?? '';
}
