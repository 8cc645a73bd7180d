/** The body for an incoming webhook of Slack: blocks of plain text, in which nothing is a mention, a link or markup. */
import { boundLine, boundText } from '../bound-alarm.ts';
import { headOf, signatureOf, type Message, type MessageItem } from '../compose-message.ts';

const mostFields = 10;

export function slackBody(message: Message): object {
  return {
    text: escapeSlack(boundLine(message.title, 300)),
    blocks: [
      { type: 'header', text: plain(boundLine(message.title, 150)) },
      ...message.items.flatMap(blocksOf),
      { type: 'context', elements: [plain(`${message.more === 0 ? '' : `and ${message.more} more. `}${signatureOf(message)}`)] },
    ],
  };
}

function blocksOf(item: MessageItem): object[] {
  const facts = Object.entries(item.facts).slice(0, mostFields);
  const text = [item.title, headOf(item), ...(item.text === '' ? [] : [item.text])].join('\n');
  return [
    {
      type: 'section',
      text: plain(boundText(text, 2900)),
      ...(facts.length === 0 ? {} : { fields: facts.map(([name, value]) => plain(boundText(`${name}: ${value}`, 1900))) }),
    },
  ];
}

function plain(text: string): object {
  return { type: 'plain_text', text: text === '' ? ' ' : text, emoji: false };
}

/** What is shown in notifications is markup: `<!channel>` in it would call everybody. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
