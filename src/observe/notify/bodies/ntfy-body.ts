import { boundLine, boundText } from '../bound-alarm.ts';
import { textOf, type Message } from '../compose-message.ts';

const priorities = { info: 2, warning: 4, critical: 5 };
/** Bytes; of a longer one ntfy makes an attachment. */
const mostBytes = 3900;

/** For publishing as JSON at the root of a server. The topic is the end of the address. */
export function ntfyBody(message: Message, topic: string): object {
  let text = boundText(textOf(message), mostBytes);
  while (Buffer.byteLength(text) > mostBytes) text = boundText(text, Math.floor(text.length * 0.9));
  return {
    topic,
    title: boundLine(message.title),
    message: text,
    priority: message.state === 'open' ? priorities[message.severity] : 2,
    tags: [
      message.state === 'open'
        ? message.severity === 'critical'
          ? 'rotating_light'
          : 'warning'
        : message.state === 'note'
          ? 'information_source'
          : 'white_check_mark',
    ],
  };
}
