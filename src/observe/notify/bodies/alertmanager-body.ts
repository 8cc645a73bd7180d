/** Alerts for version 2 of the Alertmanager's interface. */
import type { Message, MessageItem } from '../compose-message.ts';

/** Milliseconds. A daemon that died must not look as if all were well: what is not told again stays for so long. */
const endsAfter = 26 * 3_600_000;

export function alertmanagerBody(message: Message): readonly object[] {
  return message.items.filter(({ state }) => state !== 'note').map((item) => alertOf(item, message));
}

function alertOf({ state, key, event, severity, component, title, text, facts, at, since }: MessageItem, message: Message): object {
  const lines = Object.entries(facts).map(([name, value]) => `${name}: ${value}`);
  return {
    labels: {
      alertname: `Holdfast${event.charAt(0).toUpperCase()}${event.slice(1)}`,
      application: message.application,
      ...(component === undefined ? {} : { component }),
      event,
      severity,
      key,
      instance: message.host,
    },
    annotations: { summary: title, description: [text, ...lines].join('\n') },
    startsAt: since.toISOString(),
    endsAt: (state === 'resolved' ? at : new Date(message.at.getTime() + endsAfter)).toISOString(),
  };
}
