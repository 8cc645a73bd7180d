import { isLoopback } from './web-options.ts';
import { readText } from './read-body.ts';
import { sendRequest } from './send-request.ts';
import { createTimedAgent } from './timed-agent.ts';
import type { StorageEnvironment } from '../storage-options.ts';

/** A question to a service that gives tokens. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Asking {
  /** Of web proxies. */
  readonly environment: StorageEnvironment;
  /** A certificate authority beside those that Node knows, in PEM. */
  readonly authority?: string | undefined;
}

/* Milliseconds. */
const limits = { connect: 10_000, silence: 20_000 };
const longestAnswer = 256 * 1024;

/** Asks once, over a connection of its own, with the time limits of a service that has little to say. Throws what the network threw. */
export async function askService(
  { method, url, headers, body }: Question,
  { environment, authority }: Asking,
): Promise<{ readonly status: number; readonly text: string }> {
  const agent = createTimedAgent({
    protocol: url.protocol === 'http:' ? 'http:' : 'https:',
    connections: 1,
    limits,
    /* No web proxy leads to what a machine tells only itself. */
    environment: url.protocol === 'http:' || isLoopback(url) ? {} : environment,
    ...(authority === undefined ? {} : { authority }),
  });
  const bytes = Buffer.from(body ?? '');
  try {
    const answer = await sendRequest({
      method,
      url,
      headers,
      agent,
      ...(body === undefined ? {} : { body: { size: bytes.length, pieces: [bytes] } }),
    });
    return { status: answer.statusCode ?? 0, text: await readText(answer, longestAnswer) };
  } finally {
    agent.destroy();
  }
}
