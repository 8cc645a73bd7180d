/** The body for a workflow of Teams that posts what a webhook receives: an adaptive card. It takes 28 KB. */
import { boundLine, boundText } from '../bound-alarm.ts';
import { headOf, signatureOf, type Message, type MessageItem } from '../compose-message.ts';

const colours = { info: 'Good', warning: 'Warning', critical: 'Attention' };
const mostItems = 8;
const mostBytes = 25_000;

export function teamsBody(message: Message): object {
  let count = Math.min(message.items.length, mostItems);
  let body = bodyOf(message, count);
  while (count > 1 && Buffer.byteLength(JSON.stringify(body)) > mostBytes) body = bodyOf(message, --count);
  return body;
}

function bodyOf(message: Message, count: number): object {
  const items = message.items.slice(0, count);
  const more = message.items.length + message.more - items.length;
  const color = message.state === 'open' ? colours[message.severity] : 'Good';
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: escapeMarkdown(boundLine(message.title)),
    body: [
      textBlock(boundLine(message.title), { size: 'Large', weight: 'Bolder', color }),
      ...items.flatMap(blocksOf),
      textBlock(`${more === 0 ? '' : `and ${more} more. `}${signatureOf(message)}`, { size: 'Small', isSubtle: true }),
    ],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }] };
}

function blocksOf(item: MessageItem): object[] {
  const facts = Object.entries(item.facts).slice(0, 10);
  return [
    textBlock(boundLine(item.title), { weight: 'Bolder', separator: true }),
    textBlock(headOf(item), { isSubtle: true, spacing: 'None' }),
    ...(item.text === '' ? [] : [textBlock(boundText(item.text, 1200))]),
    ...(facts.length === 0
      ? []
      : [
          {
            type: 'FactSet',
            facts: facts.map(([title, value]) => ({ title: escapeMarkdown(title), value: escapeMarkdown(boundText(value, 150)) })),
          },
        ]),
  ];
}

function textBlock(text: string, style: object = {}): object {
  return { type: 'TextBlock', text: escapeMarkdown(text), wrap: true, ...style };
}

/** Links and emphasis are markup in a card. A newline needs another. */
function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\\*_`[\]]/g, String.raw`\$&`)
    .replaceAll('<', '&lt;')
    .replaceAll('\n', '\n\n');
}
