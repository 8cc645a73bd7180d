/** Somebody who is told of alarms by HTTP, and what they believe after each message. Now and then they cannot be reached. */
import { z } from 'zod';
import { startHookServer } from '../../harness/watch/hook-server.ts';

/** One alarm of one message. */
export interface HeardItem {
  /** When it came, in milliseconds that passed. */
  readonly at: number;
  readonly key: string;
  readonly state: 'open' | 'still-open' | 'resolved' | 'note';
}

export interface SimulatedReceiver {
  readonly url: string;
  readonly heard: readonly HeardItem[];
  isDown: boolean;
  /** Whose time it is that passes. */
  passed: () => number;
  stop(): Promise<void>;
}

const body = z.object({
  more: z.literal(0),
  alarms: z.array(z.object({ key: z.string(), state: z.enum(['open', 'still-open', 'resolved', 'note']) })),
});

export async function startReceiver(): Promise<SimulatedReceiver> {
  const heard: HeardItem[] = [];
  const server = await startHookServer(({ body: text }) => {
    // A refusal that is final: so nobody waits for seconds to try it again.
    if (receiver.isDown) return [404, ''];
    for (const { key, state } of body.parse(JSON.parse(text)).alarms) heard.push({ at: receiver.passed(), key, state });
    return [200, ''];
  });
  const receiver: SimulatedReceiver = { url: server.url, heard, isDown: false, passed: () => 0, stop: () => server.stop() };
  return receiver;
}
