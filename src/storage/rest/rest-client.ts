import { readFileSync } from 'node:fs';
import { request as requestHttp, type Agent, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { readEnvironmentSecret } from '../environment-secret.ts';
import type { FailedAccess } from '../file-error.ts';
import { networkFailure } from '../http/network-failure.ts';
import { readText } from '../http/read-body.ts';
import { createTimedAgent, type TimeLimits } from '../http/timed-agent.ts';
import { lookUp, readAuthority } from '../http/web-options.ts';
import { throwIfInterrupted } from '../interruption.ts';
import type { RestAddress } from '../storage-address.ts';
import type { StorageEnvironment } from '../storage-options.ts';

export interface RestRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Below the address. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RestBody;
  readonly signal?: AbortSignal | undefined;
  /** For messages. */
  readonly access: FailedAccess;
}

export interface RestBody {
  readonly size: number;
  /** What is sent: bytes, or a stream of exactly so many. */
  readonly content: Uint8Array | Readable;
}

export interface RestClientOptions {
  readonly connections: number;
  readonly environment: StorageEnvironment;
  readonly limits?: TimeLimits;
}

type ClientSettings = RequestOptions & { readonly cert?: Buffer; readonly key?: Buffer };

/** Bytes of an error page of which a line is shown. */
const longestComplaint = 4096;

/** Speaks HTTP with one server. Every request ends: with an answer, an error, or the agent's time limits. */
export class RestClient {
  /** Without secrets. */
  readonly location: string;
  readonly #base: URL;
  readonly #agent: Agent;
  readonly #settings: ClientSettings;

  private constructor(location: string, base: URL, agent: Agent, settings: ClientSettings) {
    this.location = location;
    this.#base = base;
    this.#agent = agent;
    this.#settings = settings;
  }

  /** Reads credentials and certificates; the network is not touched. Throws `storage-setup`. */
  static async open({ url, user, password }: RestAddress, { connections, environment, limits }: RestClientOptions): Promise<RestClient> {
    const location = `rest:${url}`;
    const base = new URL(url);
    const authority = await readAuthority(location, environment);
    const agent = createTimedAgent({
      protocol: base.protocol === 'https:' ? 'https:' : 'http:',
      connections,
      environment,
      ...(authority === undefined ? {} : { authority }),
      ...(limits === undefined ? {} : { limits }),
    });
    const name = user ?? lookUp(environment, 'RESTIC_REST_USERNAME');
    const secret = password ?? readEnvironmentSecret(environment, 'RESTIC_REST_PASSWORD', location);
    const auth = name === undefined ? {} : { auth: `${name}:${secret ?? ''}` };
    return new RestClient(location, base, agent, { ...auth, ...readClientCertificate(location, environment) });
  }

  /**
   * Sends a request; the answer's body is still to be read, or to be destroyed.
   * @throws `storage-failed`, `interrupted`
   */
  async send({ method, path, headers = {}, body, signal, access }: RestRequest): Promise<IncomingMessage> {
    throwIfInterrupted(signal);
    const url = new URL(path, this.#base);
    const open = url.protocol === 'https:' ? requestHttps : requestHttp;
    const length = body === undefined ? {} : { 'Content-Length': String(body.size), 'Content-Type': 'application/octet-stream' };
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        const request = open(url, {
          ...this.#settings,
          method,
          agent: this.#agent,
          headers: { ...headers, ...length },
          ...(signal ? { signal } : {}),
        });
        request.once('response', (response) => {
          // What comes after the answer (a body that was not wanted any more) is told by reading the answer.
          request.on('error', () => {});
          resolve(response);
        });
        request.once('error', reject);
        if (body === undefined) request.end(method === 'POST' ? '' : undefined);
        else if (body.content instanceof Uint8Array) request.end(body.content);
        else body.content.on('error', (error) => request.destroy(error)).pipe(request);
      });
    } catch (error) {
      throwIfInterrupted(signal);
      throw networkFailure(error, access, url.host);
    }
  }

  /** Runs what reads an answer; what breaks meanwhile becomes our error, and the connection is not left half read. */
  async reading<Result>(
    response: IncomingMessage,
    request: RestRequest,
    read: (response: IncomingMessage) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await read(response);
    } catch (error) {
      throwIfInterrupted(request.signal);
      throw networkFailure(error, request.access, this.#base.host);
    } finally {
      if (!response.readableEnded) response.destroy();
    }
  }

  /** Sends a request whose answer is its status alone. */
  async status(
    request: RestRequest,
  ): Promise<{ readonly status: number; readonly headers: IncomingMessage['headers']; readonly text: string }> {
    const response = await this.send(request);
    const { statusCode: status = 0, headers } = response;
    return this.reading(response, request, async () => {
      const text = status >= 400 ? await readText(response, longestComplaint).catch(() => '') : '';
      // Read to its end, so that the connection can be used again.
      if (status < 400) for await (const _ of response);
      return { status, headers, text };
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The error for an answer that was not hoped for. */
export function refusedBy(
  answer: { readonly status: number; readonly text?: string },
  { access }: Pick<RestRequest, 'access'>,
): HoldfastError {
  const { status } = answer;
  const { location } = access;
  const said = sayOf(status, answer.text);
  if (status === 404 && access.action === 'read') return new HoldfastError('storage-missing', { key: access.key, location });
  if (status === 401) {
    const help = 'Give them in the address (rest:https://USER:PASSWORD@HOST/), or in RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD_FILE';
    return new HoldfastError('storage-setup', {
      location,
      reason: 'the server does not accept the user and password, or wants them and none were given',
      help,
    });
  }
  if (status === 403) return new HoldfastError('storage-denied', { ...access });
  if (status === 507) return new HoldfastError('storage-full', { location });
  if (status >= 300 && status < 400) {
    return new HoldfastError('storage-setup', {
      location,
      reason: `the server sends us elsewhere (${said})`,
      help: 'Use the address of the REST server itself',
    });
  }
  if (status === 408 || status === 429 || status >= 500 || status < 300) {
    if (status !== 501) return new HoldfastError('storage-failed', { ...access, reason: `the server answered ${said}` });
  }
  const help =
    status === 413
      ? 'Raise the limit of the server (--max-size), or that of the proxy before it'
      : 'Check that the address is that of a REST server for restic repositories';
  return new HoldfastError('storage-refused', { ...access, reason: `the server answered ${said}`, help });
}

/** A status with a line of what the server says to it, which may be anything. */
function sayOf(status: number, text = ''): string {
  const line = text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 120);
  return line === '' || line.startsWith('<') ? String(status) : `${status} "${line}"`;
}

function readClientCertificate(location: string, environment: StorageEnvironment): { readonly cert?: Buffer; readonly key?: Buffer } {
  const path = lookUp(environment, 'RESTIC_TLS_CLIENT_CERT');
  if (path === undefined) return {};
  try {
    const pem = readFileSync(path);
    return { cert: pem, key: pem };
  } catch (error) {
    throw new HoldfastError(
      'storage-setup',
      {
        location,
        reason: `RESTIC_TLS_CLIENT_CERT cannot be read (${reasonOf(error)})`,
        help: 'Name a file with the certificate and its key in PEM',
      },
      error,
    );
  }
}
