/** Databases that `.env` names: by a URL or by single variables. */
import type { Proposal } from './propose-components.ts';
import { quote } from './quote-yaml.ts';

const urlNames = ['DATABASE_URL', 'POSTGRES_URL', 'POSTGRESQL_URL', 'DB_URL', 'SQLALCHEMY_DATABASE_URI'];
const load = 'holdfast does not read .env itself; load it first: set -a; . ./.env; set +a';

export function findDatabaseAddress(variables: ReadonlyMap<string, string>): Proposal[] {
  const name = urlNames.find((each) => variables.get(each)?.startsWith('postgres') === true);
  if (name !== undefined) return [proposeUrl(name, variables.get(name) ?? '')];
  const of = (...names: readonly string[]): string | undefined =>
    names.map((each) => variables.get(each)).find((value) => value !== undefined && value !== '');
  const database =
    of('POSTGRES_DB', 'PGDATABASE', 'POSTGRES_DATABASE') ??
    (variables.get('DB_CONNECTION') === 'pgsql' ? variables.get('DB_DATABASE') : undefined);
  if (database === undefined) return [];
  const user = of('POSTGRES_USER', 'PGUSER', 'DB_USERNAME', 'DB_USER') ?? 'postgres';
  const host = of('POSTGRES_HOST', 'PGHOST', 'DB_HOST') ?? 'localhost';
  const port = of('POSTGRES_PORT', 'PGPORT', 'DB_PORT');
  const url = `postgresql://${encodeURIComponent(user)}@${host}${port === undefined ? '' : `:${port}`}/${encodeURIComponent(database)}`;
  return [
    {
      name: 'database',
      yaml: `{ postgres: ${quote(url)} }`,
      why: ['Named by variables of .env. Its password: in PGPASSWORD or ~/.pgpass.'],
      sure: isWhole(url),
    },
  ];
}

/* A URL that PostgreSQL's own programs understand can be used as it is; other libraries add words of their own to it. */
function proposeUrl(name: string, value: string): Proposal {
  if (
    /^postgres(ql)?:\/\//.test(value) &&
    !/[?&](?!sslmode=|sslrootcert=|sslcert=|sslkey=|connect_timeout=|application_name=|options=)\w+=/.test(value)
  ) {
    const why = [`${name} of .env names it; the variable is read when it is needed (${load}).`];
    return { name: 'database', yaml: `{ postgres: { url: { env: ${name} } } }`, why, sure: true };
  }
  const [, login = '', rest = ''] = /^postgres\w*(?:\+\w+)?:\/\/(?:(.*)@)?([^?]*)/s.exec(value) ?? [];
  const user = login.split(':')[0] ?? '';
  const url = `postgresql://${user === '' ? '' : `${user}@`}${rest}`;
  const why = [
    `${name} of .env names it, with words that only the application's library knows; this is the plain address. Its password: in PGPASSWORD or ~/.pgpass.`,
  ];
  return { name: 'database', yaml: `{ postgres: ${quote(url)} }`, why, sure: isWhole(url) };
}

export function findRedisAddress(variables: ReadonlyMap<string, string>): Proposal[] {
  const name = ['REDIS_URL', 'REDIS_TLS_URL', 'CELERY_BROKER_URL'].find((each) => /^rediss?:\/\//.test(variables.get(each) ?? ''));
  if (name === undefined) return [];
  const why = [`${name} of .env names it; the variable is read when it is needed (${load}).`];
  return [{ name: 'cache', yaml: `{ redis: { url: { env: ${name} } } }`, why, sure: true }];
}

/** Without variables of another file inside, and without spaces. */
function isWhole(url: string): boolean {
  return /^postgresql:\/\/[^\s${}]+\/[^\s${}/]+$/.test(url);
}
