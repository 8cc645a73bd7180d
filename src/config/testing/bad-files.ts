/** Files that are wrong, each with what is said about it. */
import { fileSchema } from '../schema/schema.ts';

export interface BadFile {
  readonly name: string;
  readonly text: string;
  readonly profile?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** As `line:column: message`. */
  readonly errors: readonly string[];
}

const keys = Object.keys(fileSchema.shape).join(', ');
const rest = `repositories: { local: ./backups }
components: { uploads: { files: ./uploads } }
`;

export const badFiles: readonly BadFile[] = [
  {
    name: 'nothing',
    text: '# only a comment\n',
    errors: ['1:1: found nothing, allowed is a mapping with application, repositories and components'],
  },
  {
    name: 'a list',
    text: '- application: x\n',
    errors: ['1:1: found no mapping, allowed is a mapping with application, repositories and components'],
  },
  {
    name: 'no key that is needed',
    text: 'application: app\n',
    errors: [
      '1:1: found no key "repositories", needed is a mapping from names to repositories',
      '1:1: found no key "components", needed is a mapping from names to components',
    ],
  },
  {
    name: 'an unknown key',
    text: `aplication: app\n${rest}`,
    errors: [
      '1:1: found no key "application", needed is the name of the application',
      `1:1: found the key "aplication", allowed are ${keys}; did you mean "application"?`,
    ],
  },
  {
    name: 'keys of later versions',
    text: `application: app\n${rest}colours: []\n`,
    errors: [`4:1: found the key "colours", allowed are ${keys}`],
  },
  {
    name: 'a number for a text',
    text: `application: 7\nversion: 1.10\n${rest}`,
    errors: [
      '1:14: found the number 7 for "application", allowed is the name of the application',
      '2:10: found the number 1.1 for "version", allowed is a text (put a number in quotes), or a mapping with text, file or run',
    ],
  },
  {
    name: 'nothing for a text',
    text: `application:\n${rest}`,
    errors: ['1:13: found nothing for "application", allowed is the name of the application'],
  },
  {
    name: 'a key without a value, in braces',
    text: 'application: app\nrepositories: { local: ./b, other }\ncomponents: { x: { files: x }, 7: { files: y } }\n',
    errors: [
      '2:29: found nothing for "other", allowed is an address, or a mapping with url, password, keep, credentials, class, lock, limits',
      '3:32: found the name "7", allowed are names of letters, digits, ".", "_" and "-" that begin with a letter',
    ],
  },
  {
    name: 'a duplicate',
    text: `application: app\n${rest}application: other\n`,
    errors: ['4:1: found the key "application" a second time (first in line 1), allowed is one'],
  },
  {
    name: 'a quote that is not closed',
    text: `application: "app\n${rest}`,
    errors: ['4:1: found a value without its end, allowed is one with its closing quote, bracket, comma or ":"'],
  },
  {
    name: 'a tab',
    text: 'application: app\nrepositories:\n\tlocal: ./backups\n',
    errors: ['3:1: found a tab at the beginning of a line, allowed are spaces'],
  },
  {
    name: 'two documents',
    text: `application: app\n${rest}---\napplication: app\n`,
    errors: ['4:1: found a second document, allowed is one in a file'],
  },
  {
    name: 'a tag',
    text: `application: !important app\n${rest}`,
    errors: ['1:14: found a tag (a word that begins with !), allowed are none; put a text that begins with ! in quotes'],
  },
  {
    name: 'an alias of nothing',
    text: `application: *name\n${rest}`,
    errors: ['1:14: found *name, allowed are names that an earlier value carries as &name'],
  },
  {
    name: 'a wrong indent',
    text: 'application: app\nrepositories:\n  local: ./a\n other: ./b\n',
    errors: ['4:1: found a line that is indented wrongly, allowed is as deep as its neighbours, and deeper than what it belongs to'],
  },
  {
    name: 'a second colon',
    text: `application: my: app\n${rest}`,
    errors: ['1:14: found a second ": " in one line, allowed is one; put a text that holds it in quotes'],
  },
  {
    name: 'an unquoted variable in braces',
    text: 'application: app\nrepositories: { local: { url: ${WHERE} } }\n',
    errors: ['2:32: found ${ without quotes inside { } or [ ], allowed is "${NAME}" in quotes there'],
  },
  {
    name: 'variables that are not set',
    text: `application: \${NAME}\nrepositories: { local: "\${A:-x}\${WHERE}" }\ncomponents: { uploads: { files: "\${1}" } }\n`,
    errors: [
      '1:14: found the variable NAME, which is not set, allowed are variables that are set (also as NAME_FILE), or a default: ${NAME:-VALUE}',
      '2:32: found the variable WHERE, which is not set, allowed are variables that are set (also as WHERE_FILE), or a default: ${WHERE:-VALUE}',
      '3:34: found ${ without a variable, allowed are ${NAME} and ${NAME:-default}; $$ is a dollar sign',
    ],
  },
  {
    name: 'a variable of the wrong kind, whose value stays secret',
    text: `application: app\nrepositories: { local: { url: ./b, keep: { daily: "\${COUNT}" } } }\ncomponents: { uploads: { files: ./uploads } }\n`,
    environment: { COUNT: 'hunter2' },
    errors: ['2:51: found the value of "${COUNT}" for "daily", allowed is a whole number from 0 to 99999, or unlimited'],
  },
  {
    name: 'repositories',
    text: 'application: app\nrepositories:\n  1st: ./a\n  b: { ulr: ./b, keep: { dayly: 7, weekly: -1, monthly: many, within: 3w } }\n  c: [./c]\ncomponents: { uploads: { files: ./uploads } }\n',
    errors: [
      '3:3: found the name "1st", allowed are names of letters, digits, ".", "_" and "-" that begin with a letter',
      '4:3: found no key "url", needed is the address of a repository',
      '4:8: found the key "ulr", allowed are url, password, keep, credentials, class, lock, limits; did you mean "url"?',
      '4:26: found the key "dayly", allowed are last, hourly, daily, weekly, monthly, yearly, within; did you mean "daily"?',
      '4:44: found the number -1 for "weekly", allowed is a whole number from 0 to 99999',
      '4:57: found the text "many" for "monthly", allowed is a whole number from 0 to 99999, or unlimited',
      '4:71: found the text "3w" for "within", allowed are years, months, days and hours such as 1y6m, 30d or 12h',
      '5:6: found a list for "c", allowed is an address, or a mapping with url, password, keep, credentials, class, lock, limits',
    ],
  },
  {
    name: 'places of repositories',
    text: 'application: app\nrepositories:\n  a:\n    url: s3://b\n    credentials: { aws_key: x }\n    lock: { mode: weak, for: 12h }\n    limits: { upload: fast, connections: 0, hours: "22-6" }\ncomponents: { x: { files: x } }\n',
    errors: [
      '5:20: found the name "aws_key", allowed is a name such as AWS_ACCESS_KEY_ID: capital letters, digits and "_"',
      '6:19: found the text "weak" for "mode", allowed are governance, compliance',
      '6:30: found the text "12h" for "for", allowed is a number of days such as 30d',
      '7:23: found the text "fast" for "upload", allowed is a size in bytes, or such as 500K, 64M or 1.5G',
      '7:42: found the number 0 for "connections", allowed is a whole number from 1 to 64',
      '7:52: found the text "22-6" for "hours", allowed are two times of the day such as 22:00-06:00',
    ],
  },
  {
    name: 'one repository twice',
    text: 'application: app\nrepositories: { a: ./b, b: { url: b/ } }\ncomponents: { x: { files: x } }\n',
    errors: ['2:35: found the address of the repository "a" again, allowed are addresses that differ'],
  },
  {
    name: 'components',
    text: 'application: app\nrepositories: { local: ./b }\ncomponents:\n  a: { file: x }\n  b: { files: x, code: . }\n  c:\n  d: {}\n  e: { files: { path: x, volume: y } }\n  f: { redis: localhost }\n  g: { redis: { url: "redis://h", port: 70000 } }\n',
    errors: [
      '4:8: found the key "file", allowed are postgres, files, volumes, config, redis, logs, code, hooks, tags, keep, schedule, objective; did you mean "files"?',
      '5:3: found files and code for "b", allowed is exactly one of postgres, files, volumes, config, redis, logs, code',
      '6:5: found nothing for "c", allowed is a mapping with postgres, files, volumes, config, redis, logs, code, hooks, tags, keep, schedule, objective',
      '7:3: found none of them for "d", allowed is exactly one of postgres, files, volumes, config, redis, logs, code',
      '8:8: found path and volume for "files", allowed is exactly one of path, volume',
      '9:15: found the text "localhost" for "redis", allowed is a URL such as redis://localhost:6379',
      '10:35: found "port" without service or container, allowed is both together',
      '10:41: found the number 70000 for "port", allowed is a whole number from 1 to 65535',
    ],
  },
  {
    name: 'a database',
    text: 'application: app\nrepositories: { local: ./b }\ncomponents:\n  a: { postgres: { service: db, user: u } }\n  b: { postgres: { service: db, databse: x, format: custum, jobs: 0, roles: maybe } }\n  c: { postgres: { url: "mysql://x", password: hunter2 } }\n  d: { postgres: { container: c, project: p, databases: all, jobs: 4, format: plain } }\n',
    errors: [
      '4:8: found no database for "postgres", allowed is database: NAME, or databases: all',
      '5:33: found the key "databse", allowed are url, service, container, project, database, user, password, databases, tables, schemas, exclude-tables, only, format, jobs, roles, mode, base, wal; did you mean "database"?',
      '5:53: found the text "custum" for "format", allowed are custom, plain, directory; did you mean "custom"?',
      '5:67: found the number 0 for "jobs", allowed is a whole number from 1 to 64',
      '5:77: found the text "maybe" for "roles", allowed are true and false',
      '6:25: found the text "mysql://x" for "url", allowed is a URL such as postgresql://user@localhost/database',
      '6:38: found "password" without service or container, allowed is both together',
      '7:34: found "project" without service, allowed is both together',
      '7:71: found jobs with the format "plain" for "format", allowed are jobs with the format directory',
    ],
  },
  {
    name: 'secrets',
    text: 'application: app\nrepositories: { local: { url: ./b, password: 12345 }, b: { url: ./c, password: { file: x, env: Y } }, d: { url: ./d, password: { fiel: x } } }\ncomponents: { x: { files: x } }\n',
    errors: [
      '2:46: found a number for "password", allowed is a text, or a mapping with value, file, env or command',
      '2:70: found file and env for "password", allowed is exactly one of value, file, env, command',
      '2:130: found the key "fiel", allowed are value, file, env, command; did you mean "file"?',
    ],
  },
  {
    name: 'names that holdfast uses itself',
    text: 'application: app\nrepositories: { local: ./b }\ncomponents: { point: { files: x } }\n',
    errors: ['3:22: found a component "point", allowed are other names: holdfast uses this one itself'],
  },
  {
    name: 'commands and durations',
    text: `application: app\n${rest}hooks: { before: [], after: { run: x, within: 60 }, failed: [{ service: web }, { run: x, within: 2 minutes }], afer: x }\n`,
    errors: [
      '4:18: found an empty list for "before", allowed is a command, or a list of commands with at least one in it',
      '4:47: found the number 60 for "within", allowed is a duration such as 90s, 10m, 2m30s or 24h',
      '4:62: found no key "run", needed is a command for sh',
      '4:98: found the text "2 minutes" for "within", allowed is a duration such as 90s, 10m, 2m30s or 24h',
      '4:112: found the key "afer", allowed are before, after, failed; did you mean "after"?',
    ],
  },
  {
    name: 'recovery',
    text: `application: app\n${rest}recovery:\n  quiesce: web worker\n  health: { url: localhost, within: 90d }\n  smoke: [{ sql: select 1, http: "http://x" }, 7, { run: x, status: 200 }, { sql: select 1 }]\n`,
    errors: [
      '5:12: found the text "web worker" for "quiesce", allowed is the name of a service',
      '6:18: found the text "localhost" for "url", allowed is a URL such as http://localhost/health',
      '6:37: found the text "90d" for "within", allowed is a duration such as 90s, 10m, 2m30s or 24h, from 1ms to 24d',
      '7:11: found sql and http for "smoke", allowed is exactly one of sql, http, run',
      '7:48: found the number 7 for "smoke", allowed is a command, or a mapping with sql, http or run',
      '7:61: found "status" without http, allowed is both together',
    ],
  },
  {
    name: 'a query about a component that is none',
    text: 'application: app\nrepositories: { local: ./b }\ncomponents: { main: { postgres: "postgresql:///a" }, other: { postgres: "postgresql:///b" }, x: { files: x } }\nrecovery: { smoke: [{ sql: select 1 }, { sql: select 1, component: mian }, { sql: select 1, component: x }] }\n',
    errors: [
      '4:28: found a query without the component whose database it asks, allowed are main, other',
      '4:68: found the component "mian" for a query, allowed are main, other; did you mean "main"?',
      '4:104: found the component "x" for a query, allowed are main, other',
    ],
  },
  {
    name: 'a profile that is none',
    text: `application: app\n${rest}profiles: { production: { quiesce: web } }\n`,
    profile: 'prodution',
    errors: ['4:1: found no profile "prodution", allowed are production; did you mean "production"?'],
  },
  {
    name: 'an error in a profile',
    text: `application: app\n${rest}profiles:\n  production:\n    quiese: web\n`,
    profile: 'production',
    errors: [`6:5: found the key "quiese", allowed are ${keys}; did you mean "quiesce"?`],
  },
  {
    name: 'something else than a mapping merged',
    text: `application: app\nx-a: &a [1]\n${rest}recovery:\n  <<: *a\n`,
    errors: ['2:10: found something else than a mapping for "<<", allowed are mappings and lists of them'],
  },
  {
    name: 'too deep',
    text: `application: ${'['.repeat(60)}${']'.repeat(60)}\n`,
    errors: ['1:64: found values inside one another deeper than allowed, which is 50'],
  },
  {
    name: 'aliases of aliases',
    text: `a: &a [1,1,1,1,1,1,1,1,1,1]\n${[...'bcdefgh'].map((name, index) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdefg'[index] ?? ''}`).join(',')}]\n`).join('')}`,
    errors: ['2:8: found more values than allowed, which is 50000 with what aliases stand for'],
  },
  {
    name: 'base backups that do not go with the rest',
    text: `application: app
repositories: { local: ./backups }
components:
  a: { postgres: { url: "postgresql://u@h/d", wal: { flush: 10s } } }
  b: { postgres: { url: "postgresql://u@h/d", mode: physical, tables: users } }
  c: { postgres: { url: "postgresql://u@h/d", mode: both, wal: { slot: My-Slot } } }
`,
    errors: [
      '4:47: found "wal" without mode: physical or both, allowed is both together',
      '5:63: found "tables" with mode: physical, allowed are mode: both, or the whole server',
      '6:72: found the text "My-Slot" for "slot", allowed is a name of small letters, digits and underscores',
    ],
  },
  {
    name: 'a component with the name of base backups',
    text: `application: app
repositories: { local: ./backups }
components:
  d: { postgres: { url: "postgresql://u@h/d", mode: both } }
  d-base: { files: x }
`,
    errors: ['5:11: found a component "d-base", allowed are other names: the base backups of "d" are called so'],
  },
];
