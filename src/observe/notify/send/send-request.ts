/** One HTTP request to a receiver of messages, bounded in time and size. */
import { reasonOf } from '../../../errors.ts';
import { boundLine } from '../bound-alarm.ts';
import { DeliveryFailure, scrub, type Delivery } from './delivery.ts';

export interface Request {
  readonly url: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What must not be in any message; the address is taken for one in any case. */
  readonly secrets: readonly string[];
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

const mostAnswer = 4096;
/** Statuses after which the same may well be taken a moment later. */
const passing = new Set([408, 425, 429]);

/** Sends it. Redirections are not followed: a message must not end up elsewhere. Throws `DeliveryFailure`. */
export async function sendRequest({
  url,
  body,
  headers = {},
  secrets,
  withinMs,
  signal,
}: Request): Promise<Delivery & { readonly text: string }> {
  const hidden = [url, ...secrets];
  if (!isWebAddress(url)) throw new DeliveryFailure('its address is no http or https URL', { final: true });
  const limit = AbortSignal.timeout(withinMs);
  try {
    const response = await fetch(withoutLogin(url), {
      method: 'POST',
      headers: { 'user-agent': 'holdfast', 'connection': 'close', ...loginOf(url), ...headers },
      redirect: 'manual',
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      ...(body === undefined ? {} : { body }),
    });
    const text = await readSome(response);
    const answer = boundLine(scrub(`${response.status} ${text}`, hidden), 200);
    if (response.ok) return { answer, text };
    const isFinal = response.status < 500 && !passing.has(response.status);
    throw new DeliveryFailure(`it answered ${answer}`, { final: isFinal });
  } catch (error) {
    if (error instanceof DeliveryFailure) throw error;
    if (limit.aborted) throw new DeliveryFailure(`it did not answer within ${Math.round(withinMs / 1000)} s`);
    throw new DeliveryFailure(boundLine(scrub(causeOf(error), hidden), 300));
  }
}

async function readSome(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    const bytes: unknown = chunk;
    if (!(bytes instanceof Uint8Array)) continue;
    chunks.push(bytes);
    size += bytes.length;
    if (size >= mostAnswer) break;
  }
  return Buffer.concat(chunks).subarray(0, mostAnswer).toString('utf8');
}

/** fetch says no more than "fetch failed"; why is in its cause. */
function causeOf(error: unknown): string {
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  return reasonOf(cause);
}

/* fetch refuses addresses with a login in them. */
function withoutLogin(url: string): string {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain.href;
}

function loginOf(url: string): Record<string, string> {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return {};
  return { authorization: basicLogin(decodeURIComponent(username), decodeURIComponent(password)) };
}

export function isWebAddress(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}

export function basicLogin(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
