/** Files of one setting a line: INI, properties, nginx, redis.conf, postgresql.conf, and whatever is not known. */
import type { ConfigValue, Dialect } from './config-value.ts';
import { afterLine, lineEnd } from './env-dialect.ts';
import { looksRandom } from './find-secrets.ts';
import { isSecretKey } from './secret-keys.ts';

type LineDialectName = 'ini' | 'conf' | 'properties' | 'unknown';

const commentStart = /^\s*(?:#|;|\/\/|!|--|<!--|\*|rem\b|dnl\b)/i;
/* key = value, key: value, "key": value, <key>value, key value; with export, set, let, const or a dollar sign before. */
const setting =
  /^(\s*(?:(?:export|set|let|const|var|define|setenv|ENV|ARG)\s+)?[-$]?\s*)(["']?)([A-Za-z_][\w.\-[\]]*)\2(\s*(?::=|=>|=|:)\s*|\s+)/;
const element = /^(\s*<)([A-Za-z][\w:.-]*)(?:\s[^<>]*)?>/;

/** A dialect of lines. */
export function lineDialect(name: LineDialectName): Dialect {
  const comment = { ini: ';', conf: '#', properties: '#', unknown: undefined }[name];
  return { name, ...(comment === undefined ? {} : { comment }), readValues: readLines };
}

function readLines(text: string): ConfigValue[] {
  const values: ConfigValue[] = [];
  let last: ConfigValue | undefined;
  let continued = false;
  let section = '';
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length;) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end);
    const goesOn = /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
    if (line.trim() === '') last = undefined;
    else if (last?.kind === 'secret' && (continued || /^[ \t]+[^\s#;]+$/.test(line))) {
      /* A value of several lines: what belongs to a secret is one. */
      values.push({ ...last, start: at + (line.length - line.trimStart().length), end: end - (goesOn ? 1 : 0), quote: '' });
    } else if (commentStart.test(line)) values.push({ name: '', start: at, end, kind: 'comment', quote: '' });
    else {
      section = /^\s*\[([^\]]*)\]\s*$/.exec(line)?.[1] ?? section;
      last = readSetting(line, at, section, goesOn);
      values.push(last);
    }
    continued = goesOn && line.trim() !== '';
    at = afterLine(text, end);
  }
  return values;
}

function readSetting(line: string, at: number, section: string, goesOn: boolean): ConfigValue {
  const whole: ConfigValue = { name: '', start: at, end: at + line.length, kind: 'comment', quote: '' };
  if (/^\s*\[[^\]]*\]\s*$/.test(line)) return whole;
  const xml = element.exec(line);
  const match = setting.exec(line);
  const key = xml?.[2] ?? match?.[3];
  /* A line of base64 ends as a setting begins. */
  if (key === undefined || looksRandom(key)) return whole;
  const from = (xml ?? match)?.[0].length ?? 0;
  const rest = line.slice(from, goesOn ? -1 : undefined);
  const place =
    xml === null ? innerValue(rest) : { start: 0, end: rest.includes('<') ? rest.indexOf('<') : rest.length, quote: '' as const };
  if (place.end <= place.start) return whole;
  const name = section === '' ? key : `${section}.${key}`;
  const isUser = key === 'user' && /(?:^|\s)[>#]\S/.test(rest);
  return {
    name,
    start: at + from + place.start,
    end: at + from + place.end,
    quote: place.quote,
    kind: isSecretKey(key) || isUser ? 'secret' : 'open',
  };
}

/** Without quotes, and without the `;` or `,` and the comment behind it. */
function innerValue(rest: string): { start: number; end: number; quote: ConfigValue['quote'] } {
  const quote = rest[0];
  if (quote === '"' || quote === "'" || quote === '`') {
    const close = rest.lastIndexOf(quote);
    /* Nothing of a value may follow its quotes; otherwise the whole is the value. */
    if (close > 0 && /^\s*[;,)\]}]*\s*(?:(?:#|;|\/\/).*)?$/.test(rest.slice(close + 1))) return { start: 1, end: close, quote };
  }
  if (/^[#;]\s/.test(rest)) return { start: 0, end: 0, quote: '' };
  const length = rest.replace(/\s+[#;](?:\s.*)?$/, '').replace(/[\s;,]+$/, '').length;
  return { start: 0, end: length, quote: '' };
}
