/** Text of the kinds that fill a web application's folders: prose, JSON, program code, access logs. One call, one line. */
import { Random } from './random.ts';

export type TextKind = 'prose' | 'json' | 'code' | 'log';
type LineWriter = (random: Random, number: number) => string;

const syllables = 'ba ce di fo gu ha in jo ka le mi no or pa que ra sa ti un ve wa xi ya zo an er ion ment st tr pl gr sh th'.split(' ');
const words = makeWords(6000);
const identifiers = words.slice(0, 900);
/* Look-up tables: a dump of 2 GiB has some 300 million words, and a power or a number's formatting for each would take minutes. */
const wordBySixteenBits = Array.from({ length: 65_536 }, (_, bits) => words[Math.floor((bits / 65_536) ** 2.2 * words.length)] ?? '');
const hexBySixteenBits = Array.from({ length: 65_536 }, (_, bits) => bits.toString(16).padStart(4, '0'));
const twoDigits = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
const dates: string[] = [];
const statuses = ['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded'] as const;
const verbs = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE'] as const;
const codes = ['200', '200', '200', '304', '404', '201', '302', '500'] as const;
const agents = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1',
  'curl/8.9.1',
] as const;

const writers: Readonly<Record<TextKind, LineWriter>> = { prose: proseLine, json: jsonLine, code: codeLine, log: logLine };

/** One line with its line end, ASCII only, so that characters are bytes. */
export function textLine(kind: TextKind, random: Random, number: number): string {
  return writers[kind](random, number);
}

/** Some words with single spaces between them, frequent ones more often. */
export function phrase(random: Random, count: number): string {
  let text = word(random);
  for (let done = 1; done < count; done += 1) text += ` ${word(random)}`;
  return text;
}

export function orderStatus(random: Random): string {
  return random.favouring(statuses);
}

/** A UUID of version 4. */
export function uuid(random: Random): string {
  const [one, two, three, four] = [random.next(), random.next(), random.next(), random.next()];
  return `${hex8(one)}-${hex4(two)}-4${hex4(two >>> 16).slice(1)}-a${hex4(three).slice(1)}-${hex4(three >>> 16)}${hex8(four)}`;
}

/** `2025-03-04 05:06:07.123456` of a count of microseconds since the start of 2025. */
export function timestamp(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1_000_000);
  const ofDay = seconds % 86_400;
  const rest = String(microseconds % 1_000_000).padStart(6, '0');
  return `${dateOf(Math.floor(seconds / 86_400))} ${two(ofDay / 3600)}:${two((ofDay / 60) % 60)}:${two(ofDay % 60)}.${rest}`;
}

function proseLine(random: Random): string {
  const text = phrase(random, 8 + random.below(10));
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.\n`;
}

function jsonLine(random: Random, number: number): string {
  return (
    `  {"id": ${number}, "key": "${uuid(random)}", "owner": ${random.below(5000)}, "title": "${phrase(random, 4)}", ` +
    `"status": "${orderStatus(random)}", "total": ${random.below(1_000_000) / 100}, "tags": ["${word(random)}", "${word(random)}"], "visible": ${random.below(2) === 1}},\n`
  );
}

function codeLine(random: Random): string {
  const one = random.favouring(identifiers);
  const two = random.favouring(identifiers);
  switch (random.below(7)) {
    case 0:
      return `import { ${one} } from '../${two}/${one}.ts';\n`;
    case 1:
      return `export function ${one}${random.below(100)}(${two}: string, options: ${one}Options): Promise<${two}> {\n`;
    case 2:
      return `  const ${one} = await this.${two}.find({ where: { ${one}: ${two}.id }, limit: ${random.below(500)} });\n`;
    case 3:
      return `  if (!${one}) throw new Error('${phrase(random, 5)}');\n`;
    case 4:
      return `  // ${phrase(random, 9)}\n`;
    case 5:
      return `  return { ...${one}, ${two}: ${random.below(10_000)} };\n`;
    default:
      return '}\n\n';
  }
}

function logLine(random: Random, number: number): string {
  const address = `10.${random.below(4)}.${random.below(256)}.${random.below(256)}`;
  const path = `/${random.favouring(identifiers)}/${random.below(20_000)}`;
  return (
    `${address} - - [${timestamp(number * 48_611 + random.below(40_000))}] "${random.pick(verbs)} ${path} HTTP/1.1" ${random.pick(codes)} ` +
    `${random.below(60_000)} "-" "${random.favouring(agents)}" ${hex8(random.next())} ${random.below(2000) / 1000}\n`
  );
}

function word(random: Random): string {
  return wordBySixteenBits[random.next() & 0xffff] ?? '';
}

function hex4(bits: number): string {
  return hexBySixteenBits[bits & 0xffff] ?? '';
}

function hex8(bits: number): string {
  return hex4(bits >>> 16) + hex4(bits);
}

function two(number: number): string {
  return twoDigits[Math.floor(number)] ?? '';
}

function dateOf(day: number): string {
  return (dates[day] ??= new Date(Date.UTC(2025, 0, 1 + day)).toISOString().slice(0, 10));
}

/** Short words first, as the frequent ones of a language are. */
function makeWords(count: number): string[] {
  const random = new Random('vocabulary');
  const made = new Set<string>();
  while (made.size < count) {
    let text = '';
    for (let parts = 1 + Math.floor((made.size / count) * 2) + random.below(3); parts > 0; parts -= 1) text += random.pick(syllables);
    made.add(text);
  }
  return [...made];
}
