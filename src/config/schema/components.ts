/** What an application is made of: one schema a kind of source. */
import { z } from 'zod';
import { duration, exactlyOne, mapping, oneOrMany, onlyWith, rule, size, text, textLike, wholeNumber, wordOf, yesNo } from './parts.ts';
import { keep } from './keep.ts';
import { objective, schedule } from './schedule.ts';
import { containerKeys, hooks, secret, secretMapping, serviceName } from './shared.ts';

const name = text('a name');
const names = oneOrMany(name, 'a name, or a list of names');
const path = text('a path');
const paths = oneOrMany(path, 'a path, or a list of paths');
const patterns = oneOrMany(text('a pattern'), 'a pattern, or a list of patterns');

const postgresUrl = textLike(/^postgres(?:ql)?:\/\//, 'a URL such as postgresql://user@localhost/database');
const redisUrl = textLike(/^rediss?:\/\//, 'a URL such as redis://localhost:6379');

const postgresMapping = mapping({
  'url': z
    .union([postgresUrl, secretMapping], {
      error: 'a URL such as postgresql://user@localhost/database, or a mapping with file, env or command',
    })
    .meta({
      description:
        'The server and the database: `postgresql://user@host:5432/database`. Its password may come from `PGPASSWORD` or `~/.pgpass` too.',
    })
    .optional(),
  ...containerKeys,
  'database': name.meta({ description: 'With `service` or `container`: the database.' }).optional(),
  'user': name.meta({ description: 'With `service` or `container`: who logs in.', default: 'postgres' }).optional(),
  'password': secret.meta({ description: 'With `service` or `container`: where the server asks for one inside too.' }).optional(),
  'databases': z
    .union([z.literal('all'), names], { error: 'all, a name, or a list of names' })
    .meta({ description: 'More than one database of that server: `all`, or their names.' })
    .optional(),
  'tables': names.meta({ description: 'Only these tables, as `pg_dump --table` reads them.' }).optional(),
  'schemas': names.meta({ description: 'Only these schemas, as `pg_dump --schema` reads them.' }).optional(),
  'exclude-tables': names.meta({ description: 'All but these tables.' }).optional(),
  'only': wordOf(['schema', 'data']).meta({ description: 'Only definitions, or only rows.' }).optional(),
  'format': wordOf(['custom', 'plain', 'directory'])
    .meta({ description: 'The format of the dump. `directory` where `jobs` is more than 1, else `custom`.' })
    .optional(),
  'jobs': wholeNumber(1, 64).meta({ description: 'Dump this many tables at a time, in the directory format.' }).optional(),
  'roles': yesNo().meta({ description: "Save the server's roles and tablespaces too." }).optional(),
  'mode': wordOf(['logical', 'physical', 'both'])
    .meta({
      description:
        '`logical`: dumps. `physical`: base backups of the whole server, which with `holdfast wal stream` come back as of any moment. `both`: each.',
      default: 'logical',
    })
    .optional(),
  'base': mapping({
    full: duration()
      .meta({ description: 'A full base backup after this time; between them only pages that changed are stored.', default: '7d' })
      .optional(),
    increments: wholeNumber(0, 1000)
      .meta({ description: 'A full one after this many increments too; 0 for full ones only.', default: 14 })
      .optional(),
    checkpoint: wordOf(['fast', 'spread'])
      .meta({ description: 'Whether the server begins with a checkpoint at once, or takes its time.', default: 'fast' })
      .optional(),
    rate: size()
      .meta({ description: 'Bytes a second that the server may send at most.', examples: ['50M'] })
      .optional(),
  })
    .meta({ description: 'With `mode: physical` or `both`: how base backups are made.' })
    .optional(),
  'wal': mapping({
    flush: duration()
      .meta({ description: 'How often `holdfast wal stream` stores what is new: what may be lost.', default: '10s' })
      .optional(),
    slot: textLike(/^[a-z0-9_]{1,63}$/, 'a name of small letters, digits and underscores')
      .meta({ description: 'The replication slot; named after the application and the component by default.' })
      .optional(),
    synchronous: yesNo()
      .meta({
        description: 'Transactions wait until the repository has them; `synchronous_standby_names` must name the slot.',
        default: false,
      })
      .optional(),
  })
    .meta({ description: 'With `mode: physical` or `both`: how the write-ahead log is stored.' })
    .optional(),
});

const postgres = z
  .union([postgresUrl, checkPostgres(postgresMapping)], { error: 'a URL, or a mapping with url, service or container' })
  .meta({
    description: 'A PostgreSQL database, on a host or in a container.',
    examples: ['postgresql://app@localhost/app', { service: 'db', database: 'app', user: 'app' }],
  });

/** What only dumps can do. */
const dumpKeys = ['databases', 'tables', 'schemas', 'exclude-tables', 'only', 'format', 'jobs', 'roles'];

function checkPostgres<Schema extends z.ZodType>(schema: Schema): Schema {
  const located = onlyWith(exactlyOne(schema, ['url', 'service', 'container']), ['project'], ['service']);
  const inContainer = onlyWith(located, ['database', 'user', 'password'], ['service', 'container']);
  const withDatabase = rule(inContainer, (value) => {
    if (!('service' in value || 'container' in value) || 'database' in value || 'databases' in value || value.mode === 'physical')
      return undefined;
    return { found: 'no database', allowed: 'database: NAME, or databases: all', missing: true };
  });
  const physical = rule(withDatabase, (value) => {
    const stray = ['base', 'wal'].find((key) => key in value);
    if (stray === undefined || value.mode === 'physical' || value.mode === 'both') return undefined;
    return { at: stray, found: `"${stray}" without mode: physical or both`, allowed: 'both together' };
  });
  const whole = rule(physical, (value) => {
    const stray = dumpKeys.find((key) => key in value);
    if (stray === undefined || value.mode !== 'physical') return undefined;
    return { at: stray, found: `"${stray}" with mode: physical`, allowed: 'mode: both, or the whole server' };
  });
  return rule(whole, ({ format, jobs }) => {
    if (typeof jobs !== 'number' || jobs < 2 || format === undefined || format === 'directory') return undefined;
    return { at: 'format', found: `jobs with the format ${JSON.stringify(format)}`, allowed: 'jobs with the format directory' };
  });
}

const filesMapping = mapping({
  'path': paths.meta({ description: 'Files or folders.', examples: ['./uploads'] }).optional(),
  'volume': name.meta({ description: 'A Docker volume instead: its name, or its name in the Compose file.' }).optional(),
  'exclude': patterns.meta({ description: 'Leave out what fits, as `holdfast backup --exclude`.', examples: ['*.tmp'] }).optional(),
  'iexclude': patterns.meta({ description: 'The same whatever the case of letters.' }).optional(),
  'exclude-caches': yesNo().meta({ description: 'Leave out folders with a CACHEDIR.TAG.' }).optional(),
  'exclude-if-present': names
    .meta({ description: 'Leave out folders that hold this file; `NAME:TEXT`: that begins with this text.' })
    .optional(),
  'exclude-larger-than': size()
    .meta({ description: 'Leave out larger files.', examples: ['500M'] })
    .optional(),
  'one-file-system': yesNo().meta({ description: 'Stay on the file systems of the paths.' }).optional(),
});

const files = z
  .union([path, z.array(path).min(1, { error: 'a list with at least one path' }), exactlyOne(filesMapping, ['path', 'volume'])], {
    error: 'a path, a list of paths, or a mapping with path or volume',
  })
  .meta({ description: 'Files and folders of this machine, or one Docker volume.', examples: ['./uploads', { volume: 'uploads' }] });

const volumes = z
  .union(
    [
      name,
      z.array(name).min(1, { error: 'a list with at least one name' }),
      mapping({
        names: names.meta({ description: 'Names, or patterns with `*` and `?`.', examples: ['user-*'] }),
        stop: yesNo().meta({ description: 'Stop the containers that use a volume while it is read.', default: false }).optional(),
      }),
    ],
    { error: 'a name or pattern, a list of them, or a mapping with names, stop' },
  )
  .meta({ description: 'Docker volumes by name or pattern.', examples: ['user-*'] });

const config = z
  .union(
    [
      path,
      z.array(path).min(1, { error: 'a list with at least one path' }),
      mapping({
        files: paths.meta({ description: 'Paths, or patterns with `*` and `?`.', examples: [['.env', 'docker-compose.yml']] }),
        secrets: wordOf(['encrypted', 'template'])
          .meta({
            description: '`encrypted`: whole, encrypted as everything is. `template`: values that are secret are left out.',
            default: 'encrypted',
          })
          .optional(),
      }),
    ],
    { error: 'a path, a list of paths, or a mapping with files, secrets' },
  )
  .meta({ description: 'Configuration files.', examples: [['.env', 'docker-compose.yml']] });

/** A URL says all of this itself. */
function checkRedis<Schema extends z.ZodType>(schema: Schema): Schema {
  return onlyWith(onlyWith(schema, ['project'], ['service']), ['port', 'user'], ['service', 'container']);
}

const redis = z
  .union(
    [
      redisUrl,
      checkRedis(
        exactlyOne(
          mapping({
            url: z
              .union([redisUrl, secretMapping], { error: 'a URL such as redis://localhost:6379, or a mapping with file, env or command' })
              .meta({ description: 'The server: `redis://host:6379`.' })
              .optional(),
            ...containerKeys,
            port: wholeNumber(1, 65_535)
              .meta({ description: 'With `service` or `container`: the port inside, where it is not the usual one.', default: 6379 })
              .optional(),
            user: name
              .meta({ description: 'With `service` or `container`: the ACL user who logs in, where it is not `default`.' })
              .optional(),
            password: secret.meta({ description: 'Its password.' }).optional(),
          }),
          ['url', 'service', 'container'],
        ),
      ),
    ],
    { error: 'a URL, or a mapping with url, service or container' },
  )
  .meta({ description: 'A Redis server: a fresh snapshot of all it holds.', examples: ['redis://localhost:6379', { service: 'redis' }] });

const services = z.union([z.literal('all'), serviceName, z.array(serviceName).min(1, { error: 'a list with at least one service' })], {
  error: 'all, a service, or a list of services',
});

const logs = z
  .union(
    [
      z.literal('all'),
      serviceName,
      z.array(serviceName).min(1, { error: 'a list with at least one service' }),
      mapping({
        services: services.meta({ description: 'Which services.', default: 'all' }).optional(),
        days: wholeNumber(1, 3650).meta({ description: 'How far back.', default: 7 }).optional(),
      }),
    ],
    { error: 'all, a service, a list of services, or a mapping with services, days' },
  )
  .meta({ description: 'What Compose services logged in the last days.', examples: [{ services: 'all', days: 7 }] });

const code = z
  .union([path, mapping({ path: path.meta({ description: 'A folder of a git work tree.' }) })], { error: 'a path, or a mapping with path' })
  .meta({ description: 'Which commit of which git repository the code is.', examples: ['.'] });

const kinds = { postgres, files, volumes, config, redis, logs, code };
const kindNames = Object.keys(kinds);

const optionalKinds = {
  postgres: postgres.optional(),
  files: files.optional(),
  volumes: volumes.optional(),
  config: config.optional(),
  redis: redis.optional(),
  logs: logs.optional(),
  code: code.optional(),
};

export const component = exactlyOne(
  mapping({
    ...optionalKinds,
    hooks: hooks.meta({ description: 'Commands around this component alone.' }).optional(),
    tags: oneOrMany(textLike(/^[^,\s]+$/, 'a word without commas'), 'a word, or a list of words')
      .meta({ description: 'Tags of its snapshots.' })
      .optional(),
    keep: keep
      .meta({
        description:
          'What `holdfast prune` keeps of this component, in every repository, instead of what the repository says. It then goes for itself.',
      })
      .optional(),
    schedule: schedule
      .meta({
        description: 'When its backup is due: fields of cron, a word, `on-change`, a duration, or `never`.',
        examples: ['0 2 * * *', 'on-change'],
      })
      .optional(),
    objective: objective.meta({ description: 'What is promised of this component.', examples: [{ rpo: '24h', rto: '1h' }] }).optional(),
  }),
  kindNames,
);
