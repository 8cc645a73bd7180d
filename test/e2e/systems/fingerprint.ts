/** Everything about a system that must be equal after a recovery, in words that show what differs. */
import { existsSync } from 'node:fs';
import { readTree, type Aspect } from '../../harness/trees/read-tree.ts';
import type { System } from './system.ts';

export interface Fingerprint {
  /** By table, materialized view or view: the number of rows, and the MD5 of all of them in order. */
  readonly rows: Readonly<Record<string, string>>;
  readonly sequences: Readonly<Record<string, unknown>>;
  readonly roles: readonly string[];
  /** What pg_dump says of the schema. */
  readonly schema: string;
  /** The installed folder: configuration and code, without times. */
  readonly folder: Readonly<Record<string, string>>;
  /** Folders and volumes that hold data, with everything. */
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Keys of all of Redis' databases. */
  readonly redis: readonly string[];
}

export interface FingerprintOptions {
  /** Volumes and folders of data. */
  readonly volumes?: readonly string[];
  readonly folders?: readonly string[];
  /** Names in the installed folder that are not looked at. */
  readonly skip?: readonly string[];
  /** The Compose service that is a Redis. */
  readonly redis?: string;
}

export async function takeFingerprint(system: System, options: FingerprintOptions = {}): Promise<Fingerprint> {
  const { volumes = [], folders = [], skip = [], redis } = options;
  const places = [
    ...volumes.map((name) => [name, system.mountpoint(name)]),
    ...folders.map((name) => [name, `${system.folder}/${name}`]),
  ] as const;
  return {
    ...(await databaseFingerprint(system, system.description.rows)),
    folder: withoutNames(treeFacts(system.folder, ['mtime', 'holes', 'xattrs']), [...skip, ...folders]),
    data: Object.fromEntries(places.map(([name = '', path = '']) => [name, treeFacts(path, ['holes'])])),
    redis: redis === undefined ? [] : await readRedis(system, redis),
  };
}

/** The part of it that a database is. */
export type DatabaseFingerprint = Pick<Fingerprint, 'rows' | 'sequences' | 'roles' | 'schema'>;

export function databasePart({ rows, sequences, roles, schema }: Fingerprint): DatabaseFingerprint {
  return { rows, sequences, roles, schema };
}

export async function databaseFingerprint(system: System, database: string): Promise<DatabaseFingerprint> {
  return {
    rows: await readRows(system, database),
    sequences: Object.fromEntries((await system.query(allSequences, database)).map(({ name, value }) => [String(name), value])),
    roles: (await system.query(allRoles, database)).map(({ role }) => String(role)),
    schema: await dumpSchema(system, database),
  };
}

const allRelations = `
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1`;

const allSequences = `SELECT format('%I.%I', schemaname, sequencename) AS name, last_value AS value FROM pg_sequences ORDER BY 1`;

const allRoles = `
SELECT concat_ws(' ', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit) AS role
FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' ORDER BY 1`;

/** The number of rows of every relation, and the MD5 of its rows in the order of their text. */
export async function readRows(system: System, database = system.description.rows): Promise<Record<string, string>> {
  const names = (await system.query(allRelations, database)).map(({ name }) => String(name));
  const counted = await system.query(
    names
      .map(
        (name) =>
          `SELECT '${name}' AS name, count(*) || ' rows ' || md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C"), '')) AS facts FROM ${name} t`,
      )
      .join(' UNION ALL '),
    database,
  );
  return Object.fromEntries(counted.map(({ name, facts }) => [String(name), String(facts)]));
}

/** Lines with the keys of one dump, and comments, say nothing about the schema. */
async function dumpSchema({ compose, description }: System, database: string): Promise<string> {
  const text = await compose('exec', '-T', description.database, 'pg_dump', '-U', description.user, '--schema-only', database);
  return text
    .split('\n')
    .filter((line) => !/^(--|$|\\(un)?restrict )/.test(line))
    .join('\n');
}

/** Every entry below a folder, a line of facts each. */
export function treeFacts(folder: string, ignore: readonly Aspect[] = ['holes']): Record<string, string> {
  if (!existsSync(folder)) return { '.': 'missing' };
  const facts: Record<string, string> = {};
  for (const [key, entry] of readTree(folder, new Set(ignore))) {
    const text = Object.entries(entry.facts).map(([aspect, value]) => `${aspect} ${value}`);
    facts[Buffer.from(key, 'latin1').toString()] = text.join(', ');
  }
  return facts;
}

function withoutNames(facts: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(facts).filter(([path]) => path !== '.' && !names.includes(path.split('/')[0] ?? '')));
}

/** Canonical text for each kind of key, as the order inside a set is another in every process. */
const readKeys = `
local lines = {}
for db = 0, 15 do
  redis.call('SELECT', db)
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind, value = redis.call('TYPE', key).ok, nil
    if kind == 'string' then value = { redis.call('GET', key) }
    elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
    elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    elseif kind == 'stream' then value = { cjson.encode(redis.call('XRANGE', key, '-', '+')) }
    elseif kind == 'set' then value = redis.call('SMEMBERS', key); table.sort(value)
    else
      value = {}
      local flat = redis.call('HGETALL', key)
      for i = 1, #flat, 2 do value[#value + 1] = flat[i] .. '=' .. flat[i + 1] end
      table.sort(value)
    end
    lines[#lines + 1] = table.concat({ db, key, kind, redis.sha1hex(table.concat(value, ',')), redis.call('PEXPIRETIME', key) }, ' ')
  end
end
return lines`;

export async function readRedis({ compose, settings }: System, service: string): Promise<string[]> {
  const login = `redis-cli -a ${settings['REDIS_PASSWORD'] ?? ''} --no-auth-warning`;
  const printed = await compose('exec', '-T', service, 'sh', '-c', `${login} EVAL "$0" 0`, readKeys);
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();
}
