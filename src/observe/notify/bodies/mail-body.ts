/** Subject, text and HTML of a mail. */
import { boundLine } from '../bound-alarm.ts';
import { headOf, signatureOf, textOf, type Message, type MessageItem } from '../compose-message.ts';

const colours = { info: '#2f855a', warning: '#b7791f', critical: '#c53030' };

export interface MailBody {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export function mailBody(message: Message): MailBody {
  const more = message.more === 0 ? '' : `<p>and ${message.more} more; see: <code>holdfast status</code></p>`;
  return {
    subject: boundLine(message.title, 180),
    text: `${textOf(message)}\n`,
    html: `<!doctype html><html><body style="font-family:sans-serif">${message.items.map(sectionOf).join('')}${more}<p style="color:#666;font-size:small">${escapeHtml(signatureOf(message))}</p></body></html>`,
  };
}

function sectionOf(item: MessageItem): string {
  const colour = item.state === 'resolved' ? colours.info : colours[item.severity];
  const rows = Object.entries(item.facts)
    .map(([name, value]) => `<tr><td style="padding-right:1em;color:#666">${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`)
    .join('');
  return `<div style="border-left:4px solid ${colour};padding-left:1em;margin-bottom:1.5em"><h3 style="margin:0">${escapeHtml(item.title)}</h3><p style="color:#666;margin:0.2em 0">${escapeHtml(headOf(item))}</p>${item.text === '' ? '' : `<p style="white-space:pre-wrap">${escapeHtml(item.text)}</p>`}${rows === '' ? '' : `<table>${rows}</table>`}</div>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
