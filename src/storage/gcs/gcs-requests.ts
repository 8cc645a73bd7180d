/** Requests of Google's JSON interface, one attempt each. */
import { randomBytes } from 'node:crypto';
import type { Agent, IncomingMessage } from 'node:http';
import { throwIfInterrupted } from '../interruption.ts';
import { readText } from '../http/read-body.ts';
import { sendRequest, type RequestBody } from '../http/send-request.ts';
import { readAnswer, type GcsAnswer } from './gcs-error.ts';
import type { TokenSource } from './gcs-token.ts';

export interface GcsPlace {
  /** `https://storage.googleapis.com`, without a slash at its end. */
  readonly endpoint: URL;
  readonly bucket: string;
  readonly agent: Agent;
  readonly token: TokenSource;
}

export interface GcsRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Behind `/storage/v1`; of the bucket's objects by default. */
  readonly path?: string;
  readonly isUpload?: boolean;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal | undefined;
}

/** An answer that is no success, on its way to whoever knows what was being done. */
export class GcsRefusal extends Error {
  override readonly name = 'GcsRefusal';
  readonly answer: GcsAnswer;

  constructor(answer: GcsAnswer) {
    super(`the server answered ${answer.status} (${answer.message})`);
    this.answer = answer;
  }
}

const longestError = 64 * 1024;
/* A page of a listing: a thousand names. */
const longestJson = 16 * 1024 * 1024;

/** Where an object is, below `/storage/v1`. */
export function objectPath(bucket: string, name: string): string {
  return `/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`;
}

/** The head of a success, its body to be read or destroyed. Throws `GcsRefusal`, or what the network threw. */
export async function request(place: GcsPlace, wanted: GcsRequest): Promise<IncomingMessage> {
  const { method = 'GET', path = `/b/${encodeURIComponent(place.bucket)}/o`, query = {}, headers, body, signal } = wanted;
  throwIfInterrupted(signal);
  const token = await place.token();
  throwIfInterrupted(signal);
  const url = new URL(place.endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, '')}${wanted.isUpload === true ? '/upload' : ''}/storage/v1${path}`;
  url.search = new URLSearchParams(query).toString();
  const answer = await sendRequest({
    method,
    url,
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    agent: place.agent,
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return answer;
  try {
    throw new GcsRefusal(readAnswer(status, await readText(answer, longestError)));
  } finally {
    answer.destroy();
  }
}

/** As `request`, with the JSON of the answer. */
export async function requestJson(place: GcsPlace, wanted: GcsRequest): Promise<unknown> {
  const answer = await request(place, wanted);
  const text = await readText(answer, longestJson);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the answer is no JSON');
  }
}

/** A body of two parts: what is said of an object, and its content. */
export function multipartBody(metadata: object, content: RequestBody): { readonly type: string; readonly body: RequestBody } {
  const boundary = `holdfast-${randomBytes(16).toString('hex')}`;
  const head = Buffer.from(
    `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(metadata)}\r\n` +
      `--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    type: `multipart/related; boundary=${boundary}`,
    body: { size: head.length + content.size + tail.length, pieces: inOrder(head, content.pieces, tail) },
  };
}

async function* inOrder(head: Uint8Array, content: RequestBody['pieces'], tail: Uint8Array): AsyncGenerator<Uint8Array> {
  yield head;
  yield* content;
  yield tail;
}
