/** The JSON of webhooks. Documented in docs/notify.md: keys may be added, none is taken away. */
import { createHmac } from 'node:crypto';
import type { Message } from '../compose-message.ts';

export function webhookBody({ id, application, host, state, severity, title, items, more, at }: Message): object {
  return {
    version: 1,
    id,
    application,
    host,
    state,
    severity,
    title,
    at: at.toISOString(),
    alarms: items.map((item) => ({ ...item, at: item.at.toISOString(), since: item.since.toISOString() })),
    more,
  };
}

/** Over the time and the body, so that an old message cannot be sent again by somebody who saw it. */
export function signBody(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}
