/** Files that are nothing but passwords: .pgpass, .netrc, htpasswd. */
import type { ConfigValue, Dialect } from './config-value.ts';
import { afterLine, lineEnd } from './env-dialect.ts';

export const passwordListDialect: Dialect = { name: 'password-list', comment: '#', readValues: readPasswords };

function readPasswords(text: string): ConfigValue[] {
  const values: ConfigValue[] = [];
  for (let at = 0; at < text.length;) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end);
    if (/^\s*#/.test(line)) values.push({ name: '', start: at, end, kind: 'comment', quote: '' });
    else if (line.trim() !== '') values.push(...readLine(line, at));
    at = afterLine(text, end);
  }
  return values;
}

function readLine(line: string, at: number): ConfigValue[] {
  /* host:port:database:user:password */
  const pgpass = /^((?:(?:[^:\\]|\\.)*:){4})(.+)$/.exec(line);
  /* machine HOST login USER password PASSWORD, on one line or several */
  const netrc = [...line.matchAll(/\b(?:password|account)\s+(\S+)/dg)];
  if (netrc.length > 0 || /^\s*(?:machine|default|login|macdef)\b/.test(line)) {
    return netrc.flatMap(({ indices }) => {
      const place = indices?.[1];
      return place === undefined ? [] : [value('password', at + place[0], at + place[1])];
    });
  }
  if (pgpass !== null) return [value(pgpass[1] ?? '', at + (pgpass[1]?.length ?? 0), at + line.length)];
  const user = /^[^:]*:/.exec(line)?.[0] ?? '';
  return [value(user, at + user.length, at + line.length)];
}

function value(name: string, start: number, end: number): ConfigValue {
  return { name: name.replace(/:$/, ''), start, end, kind: 'secret', quote: '' };
}
