/** `holdfast serve rest`: repositories of this machine for restic and holdfast on others, by restic's REST protocol. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join, resolve } from 'node:path';
import { HoldfastError, isError, reasonOf } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import { openServedRepository, type ServedRepository } from '../../operations/served-repository.ts';
import { answer } from './answer.ts';
import { handle } from './rest-handlers.ts';
import { parseTarget, type RepositoryPath } from './rest-target.ts';
import { UsedSpace } from './used-space.ts';
import { Users } from './users.ts';

export interface RestServerOptions {
  /** Repositories lie in it and below it. */
  readonly folder: string;
  /** An htpasswd file. Without one everybody is let in, which `listen` allows on this machine alone. */
  readonly users?: string;
  /** Says that everybody shall be let in, from wherever. */
  readonly noAuth?: boolean;
  /** Nothing is deleted or replaced, save locks. */
  readonly appendOnly?: boolean;
  /** Each user reaches the repositories below a folder of the user's name, and no others. */
  readonly privateRepos?: boolean;
  /** Bytes that everything in the folder may take. */
  readonly maxBytes?: number;
  readonly tls?: { readonly certificate: string | Buffer; readonly key: string | Buffer };
  readonly events: EventSink;
}

export interface ListenAddress {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

export interface RestServer {
  /** Begins to answer. Returns where. Throws `server-setup`. */
  listen(address: ListenAddress): Promise<ListenAddress>;
  /** Takes no new connections, lets what is under way end (10 s), and closes the rest. */
  close(): Promise<void>;
}

/* Milliseconds. */
const silenceLimit = 120_000;
const drainLimit = 30_000;
const headersLimit = 20_000;
const longestRequest = 6 * 60 * 60 * 1000;
const patience = 10_000;
const mostConnections = 512;
/* Repositories that are kept open: each is little more than its path. */
const mostOpen = 256;

const limits: ServerOptions = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: headersLimit,
  // As long as bytes come, a body may take its time; silence ends it sooner.
  requestTimeout: longestRequest,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 5000,
};

/**
 * Makes a server; it listens to nothing yet.
 * @throws `server-setup` for users or certificates that cannot be used
 */
export function createRestServer(options: RestServerOptions): RestServer {
  const state: ServerState = {
    options,
    folder: resolve(options.folder),
    open: new Map(),
    ...(options.users === undefined ? {} : { users: new Users(options.users) }),
  };
  if (options.privateRepos === true && state.users === undefined)
    throw setup(state.folder, 'repositories of each user need users', 'Give --htpasswd FILE');
  const respond = (request: IncomingMessage, response: ServerResponse): void => void serve(state, request, response);
  const server = makeServer(options, respond);
  server.maxConnections = mostConnections;
  server.setTimeout(silenceLimit, (socket) => socket.destroy());
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  return { listen: (address) => listen(server, state, address), close: () => close(server) };
}

interface ServerState {
  readonly options: RestServerOptions;
  readonly folder: string;
  readonly users?: Users;
  readonly open: Map<string, ServedRepository>;
  space?: UsedSpace;
}

function makeServer({ tls, folder }: RestServerOptions, respond: (request: IncomingMessage, response: ServerResponse) => void): Server {
  if (tls === undefined) return createServer(limits, respond);
  try {
    return createTlsServer({ ...limits, cert: tls.certificate, key: tls.key, handshakeTimeout: headersLimit }, respond);
  } catch (error) {
    throw setup(
      folder,
      `the certificate or its key cannot be used (${reasonOf(error)})`,
      'Give both as PEM files: --tls-cert FILE --tls-key FILE',
      error,
    );
  }
}

async function listen(server: Server, state: ServerState, { host, port }: ListenAddress): Promise<ListenAddress> {
  const { options, folder } = state;
  if (state.users === undefined && options.noAuth !== true && !isLoopback(host)) {
    throw setup(
      folder,
      `${host} can be reached by others, and there are no users`,
      'Give --htpasswd FILE, listen on 127.0.0.1, or give --no-auth if everybody may read and write',
    );
  }
  await openServedRepository(folder).create();
  if (options.maxBytes !== undefined) state.space = await UsedSpace.measure(folder, options.maxBytes);
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw setup(folder, `it cannot listen on ${host}:${port} (${reasonOf(error)})`, 'Choose another address with --listen', error);
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? { host, port: address.port } : { host, port };
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const giveUp = setTimeout(() => server.closeAllConnections(), patience);
  await closed;
  clearTimeout(giveUp);
}

/** Answers one request, whatever it is. Never throws. */
async function serve(state: ServerState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => {});
  try {
    await respondTo(state, request, response);
  } catch (error) {
    if (response.destroyed || request.destroyed) {
      response.destroy();
    } else if (isError(error, 'storage-full') || (error instanceof Error && 'code' in error && error.code === 'ENOSPC')) {
      answer(response, 507, 'the disk is full');
    } else {
      state.options.events({ type: 'problem', path: pathOf(request), reason: reasonOf(error) });
      answer(response, isError(error, 'storage-denied') ? 403 : 500);
    }
  } finally {
    // A body that was not wanted is read away for a while, so that its sender sees the answer; not for ever.
    if (!request.complete) {
      request.resume();
      setTimeout(() => request.complete || request.destroy(), drainLimit).unref();
    }
  }
}

async function respondTo(state: ServerState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { options, users } = state;
  const verdict = users === undefined ? undefined : await users.verify(request.headers.authorization);
  if (verdict === 'busy') return answer(response, 503, 'too many are logging in');
  if (verdict === 'denied') {
    response.setHeader('WWW-Authenticate', 'Basic realm="holdfast"');
    return answer(response, 401);
  }
  const target = parseTarget(request.url ?? '');
  if (target === undefined) return answer(response, 404);
  if (options.privateRepos === true && target.repository[0] !== verdict?.user) return answer(response, 403);
  const repository = openRepository(state, target.repository);
  return handle({ request, response, repository, appendOnly: options.appendOnly === true, space: state.space }, target);
}

function openRepository({ folder, open }: ServerState, path: RepositoryPath): ServedRepository {
  const name = path.join('/');
  const known = open.get(name);
  if (known !== undefined) return known;
  if (open.size >= mostOpen) open.clear();
  const opened = openServedRepository(join(folder, ...path));
  open.set(name, opened);
  return opened;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);
}

/* Whatever a client sends may get into a log: nothing but plain letters. */
function pathOf({ method = '', url = '' }: IncomingMessage): string {
  return `${method} ${url.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 200)}`;
}

function setup(folder: string, reason: string, help: string, cause?: unknown): HoldfastError {
  return new HoldfastError('server-setup', { what: folder, reason, help }, cause);
}
