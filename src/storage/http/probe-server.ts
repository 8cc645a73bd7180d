/** What the answer of a web server tells beside what was asked: its clock, and until when its certificate holds. */
import type { Agent, IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { throwIfInterrupted } from '../interruption.ts';
import type { ServerSigns } from '../storage.ts';
import { networkFailure } from './network-failure.ts';
import { sendRequest } from './send-request.ts';

export interface Probe {
  readonly url: URL;
  readonly agent: Agent;
  /** For messages. */
  readonly location: string;
  readonly signal: AbortSignal | undefined;
}

/** Asks for the head of an address; what the server thinks of that does not matter. Throws `storage-failed`, `storage-setup`, `interrupted`. */
export async function probeServer({ url, agent, location, signal }: Probe): Promise<ServerSigns> {
  throwIfInterrupted(signal);
  try {
    return readSigns(await sendRequest({ method: 'HEAD', url, agent, ...(signal === undefined ? {} : { signal }) }));
  } catch (error) {
    throwIfInterrupted(signal);
    throw networkFailure(error, { action: 'read', key: 'the server', location }, url.host);
  }
}

/** The rest of the answer is left. */
export function readSigns(answer: IncomingMessage): ServerSigns {
  const { socket, headers } = answer;
  const until = socket instanceof TLSSocket ? timeOf(socket.getPeerCertificate().valid_to) : undefined;
  answer.destroy();
  const time = timeOf(headers.date);
  return { ...(time === undefined ? {} : { time }), ...(until === undefined ? {} : { certificateUntil: until }) };
}

function timeOf(text: string | undefined): Date | undefined {
  const time = new Date(text ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time;
}
