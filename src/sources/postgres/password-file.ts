/** PostgreSQL's password file: lines of `host:port:database:user:password`, `*` for any, backslash before `:` and `\`. */
import { readFileSync, statSync } from 'node:fs';

export interface LoginAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The password of the first line that fits. A file that others may read is ignored, as libpq does; so is one that cannot be read. */
export function findPassword(address: LoginAddress, file: string): string | undefined {
  let text: string;
  try {
    const info = statSync(file);
    if (!info.isFile() || (info.mode & 0o077) !== 0) return undefined;
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  return matchPassword(address, text);
}

/** The password of the first line of a password file that fits. */
export function matchPassword(address: LoginAddress, text: string): string | undefined {
  const host = address.host.startsWith('/') ? ['localhost', address.host] : [address.host];
  const wanted = [host, [String(address.port)], [address.database], [address.user]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = splitFields(line);
    if (fields.length < 5) continue;
    if (wanted.every((values, at) => fields[at] === '*' || values.includes(unescape(fields[at] ?? '')))) return unescape(fields[4] ?? '');
  }
  return undefined;
}

/** Still escaped, so that `*` and `\*` differ. */
function splitFields(line: string): string[] {
  return (line.match(/(?:^|:)((?:\\.|[^:\\])*)/g) ?? []).map((field, at) => (at === 0 ? field : field.slice(1)));
}

function unescape(field: string): string {
  return field.replaceAll(/\\(.)/g, '$1');
}
