/** The body for a webhook of Discord. Nobody is mentioned, whatever a name contains. */
import { boundLine, boundText } from '../bound-alarm.ts';
import { headOf, signatureOf, type Message, type MessageItem } from '../compose-message.ts';

const colours = { info: 0x2f855a, warning: 0xd69e2e, critical: 0xc53030 };
const mostEmbeds = 10;
/** Of all texts of the embeds together, as Discord counts them. */
const mostText = 5800;

export function discordBody(message: Message): object {
  let left = mostText;
  const embeds: object[] = [];
  for (const item of message.items.slice(0, mostEmbeds)) {
    const embed = embedOf(item, left);
    left -= embed.length;
    if (left < 0) break;
    embeds.push(embed.body);
  }
  const more = message.items.length + message.more - embeds.length;
  return {
    content: escapeMarkdown(boundLine(`${message.title}${more === 0 ? '' : ` (and ${more} more)`}`, 900)),
    embeds,
    username: boundLine(signatureOf(message).replaceAll(/discord|clyde/gi, '…'), 80),
    allowed_mentions: { parse: [] },
  };
}

function embedOf(item: MessageItem, room: number): { readonly body: object; readonly length: number } {
  const title = escapeMarkdown(boundLine(item.title, 120)).slice(0, 250);
  const description = escapeMarkdown(boundText(`${headOf(item)}\n${item.text}`, Math.min(1800, Math.max(80, Math.floor(room / 3)))));
  const fields = Object.entries(item.facts)
    .slice(0, 10)
    .map(([name, value]) => ({ name: boundLine(name, 60), value: escapeMarkdown(boundText(value, 100)) || '-', inline: true }));
  const length = title.length + description.length + fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  return {
    body: {
      title,
      description,
      color: item.state === 'resolved' ? colours.info : colours[item.severity],
      fields,
      timestamp: item.at.toISOString(),
    },
    length,
  };
}

function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\*_~`|>[\]()#]/g, String.raw`\$&`);
}
