/** What is told is made of names and messages of others: no control characters, and not longer than people read. */
import type { Alarm } from './alarm.ts';

const mostFacts = 30;
/* Control characters but for tab and newline, marks that reverse the direction of text, lone surrogates. */
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u{d800}-\u{dfff}]/gu;

export function boundText(text: string, most = 4000): string {
  const clean = text.replaceAll('\r\n', '\n').replaceAll(unprintable, '\ufffd');
  return clean.length <= most ? clean : `${[...clean.slice(0, most - 1)].join('').replace(/[\ud800-\udbff]$/, '')}…`;
}

/** The same on one line. */
export function boundLine(text: string, most = 200): string {
  return boundText(text.replaceAll(/\s+/g, ' ').trim(), most);
}

/** Bytes, as JSON. What is longer is left out: a part of it would be taken for the whole, and a document of the store has a bound. */
const longestAttachment = 40_000;

export function boundAlarm({ key, component, attachment, ...alarm }: Alarm): Alarm {
  return {
    ...alarm,
    ...(attachment === undefined || Buffer.byteLength(JSON.stringify(attachment.text)) > longestAttachment
      ? {}
      : { attachment: { name: boundLine(attachment.name, 100), text: boundText(attachment.text, longestAttachment) } }),
    key: boundLine(key, 300),
    application: boundLine(alarm.application, 100),
    ...(component === undefined ? {} : { component: boundLine(component, 100) }),
    title: boundLine(alarm.title),
    text: boundText(alarm.text),
    facts: Object.fromEntries(
      Object.entries(alarm.facts)
        .slice(0, mostFacts)
        .map(([name, value]) => [boundLine(name, 60), boundLine(value, 300)]),
    ),
  };
}
