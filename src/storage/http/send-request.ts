import { request as httpRequest, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface WebRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: RequestBody;
  /** Of the URL's protocol; it sets the time limits. */
  readonly agent: Agent;
  readonly signal?: AbortSignal;
}

export interface RequestBody {
  /** Bytes of all pieces together. */
  readonly size: number;
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * Sends one request, once. Resolves when the head of the answer is there, which may be before all of the body was sent: a server may refuse it earlier.
 * The caller reads the answer's body or destroys it.
 */
export function sendRequest({ method, url, headers, body, agent, signal }: WebRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
  const length = body === undefined ? {} : { 'content-length': body.size };
  const request = send(url, { method, agent, headers: { ...headers, ...length }, ...(signal === undefined ? {} : { signal }) });
  request.once('response', resolve);
  /* Also later: whoever reads the answer is told by its stream, and nobody else need be. */
  request.on('error', reject);
  if (body === undefined) request.end();
  else pipeline(Readable.from(body.pieces, { objectMode: false }), request).catch(reject);
  return promise;
}
