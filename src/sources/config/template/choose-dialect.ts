/** Tells by a file's name, and by its beginning, how it is written. */
import { basename, extname } from 'node:path';
import type { Dialect } from './config-value.ts';
import { envDialect } from './env-dialect.ts';
import { lineDialect } from './line-dialect.ts';
import { passwordListDialect } from './password-list-dialect.ts';
import { jsonDialect, yamlDialect } from './yaml-dialect.ts';

/** How the file of this name is written. */
export function chooseDialect(path: string): Dialect {
  const name = basename(path)
    .toLowerCase()
    .replace(/\.(?:template|example|sample|dist|tpl|bak|orig|old|local)$/, '');
  if (/^\.env|(?:^|[._-])env$|^\.flaskenv$|^env[._-]|\.env\./.test(name)) return envDialect;
  if (/^\.?(?:pgpass|netrc|_netrc)$|^pgpass\.conf$|htpasswd$|^(?:passwd|shadow)$/.test(name)) return passwordListDialect;
  switch (extname(name)) {
    case '.yml':
    case '.yaml':
      return yamlDialect;
    case '.json':
    case '.json5':
    case '.jsonc':
      return jsonDialect;
    case '.ini':
      return lineDialect('ini');
    case '.conf':
    case '.cnf':
    case '.cfg':
    case '.toml':
    case '.service':
      return lineDialect('conf');
    case '.properties':
      return lineDialect('properties');
    default:
      return lineDialect('unknown');
  }
}
