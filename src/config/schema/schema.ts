/** The schema of holdfast.yaml: of the file as it is written, before shorthands are written out. */
import { z } from 'zod';
import { archives } from './archives.ts';
import { component } from './components.ts';
import { drills } from './drills.ts';
import { keep } from './keep.ts';
import { exactlyOne, mapping, named, oneOrMany, text, textLike } from './parts.ts';
import { notify } from './notify.ts';
import { placeKeys } from './place.ts';
import { recovery } from './recovery.ts';
import { serve } from './serve.ts';
import { maintenance, objective, schedule, timezone } from './schedule.ts';
import { hooks, secret, serviceName } from './shared.ts';

const repository = z.union(
  [
    text('the address of a repository'),
    mapping({
      url: text('the address of a repository').meta({
        description: 'A folder, or a URL. A relative folder is beside the file.',
        examples: ['./backups', 's3://bucket/prefix?endpoint=https://s3.example', 'sftp://backup@host//srv/backups'],
      }),
      password: secret
        .meta({ description: 'Its password. Where there is none: `--password-file` and its kin, or `HOLDFAST_PASSWORD` and its kin.' })
        .optional(),
      keep: keep.meta({ description: 'What `holdfast prune` keeps; the newest point of a component always stays.' }).optional(),
      ...placeKeys,
    }),
  ],
  { error: 'an address, or a mapping with url, password, keep, credentials, class, lock, limits' },
);

const version = z.union(
  [
    text('a text; put a number in quotes'),
    exactlyOne(
      mapping({
        text: text('a text; put a number in quotes').meta({ description: 'The version itself.' }).optional(),
        file: text('a path').meta({ description: 'A file whose first line is the version.' }).optional(),
        run: text('a command for sh')
          .meta({ description: 'A command that prints it.', examples: ['git describe --tags'] })
          .optional(),
      }),
      ['text', 'file', 'run'],
    ),
  ],
  { error: 'a text (put a number in quotes), or a mapping with text, file or run' },
);

const compose = z.union(
  [
    text('the path of a Compose file'),
    mapping({
      file: text('the path of a Compose file')
        .meta({ description: 'The Compose file.', examples: ['docker-compose.yml'] })
        .optional(),
      project: serviceName.meta({ description: 'The name of the project, where it is not that of the folder.' }).optional(),
    }),
  ],
  { error: 'the path of a Compose file, or a mapping with file, project' },
);

export const fileSchema = mapping({
  application: textLike(/^[^\x00-\x1f\x7f]{1,100}$/, 'the name of the application').meta({
    description: 'The name of the application.',
    examples: ['northstar-timesheet'],
  }),
  version: version.meta({ description: "The application's own version, for the manifest of each point.", examples: ['2.4.1'] }).optional(),
  compose: compose
    .meta({ description: 'Where Compose services are looked up, where it is not the Compose file beside this file.' })
    .optional(),
  repositories: named(repository, 'repositories').meta({
    description: 'Where backups lie, by names of your own. Backups go to the first, the others get copies.',
  }),
  components: named(component, 'components').meta({ description: 'What the application is made of, by names of your own.' }),
  quiesce: oneOrMany(serviceName, 'a service, or a list of services')
    .meta({ description: 'Services that are stopped while a backup runs.' })
    .optional(),
  hooks: hooks.meta({ description: 'Commands around a whole backup.' }).optional(),
  recovery: recovery.meta({ description: 'What happens around putting the application back.' }).optional(),
  schedule: schedule.meta({ description: 'When backups are due: of components that have no schedule of their own.' }).optional(),
  objective: objective.meta({ description: 'What is promised of the whole application.' }).optional(),
  timezone: timezone
    .meta({ description: "Whose hours all schedules are in; the machine's by default.", examples: ['Europe/Berlin'] })
    .optional(),
  maintenance: maintenance.meta({ description: 'When repositories are pruned and checked.' }).optional(),
  archives: archives.optional(),
  drills: drills.optional(),
  notify: notify.optional(),
  serve: serve.meta({ description: 'The HTTP interface of `holdfast serve`.' }).optional(),
  profiles: z
    .unknown()
    .meta({
      description:
        'What differs in development, production or on one machine, by names of your own. The one chosen by `--profile` or `HOLDFAST_PROFILE` is merged over the rest: mappings key by key, anything else replaced; a key without a value is taken out.',
    })
    .optional(),
});

export type ConfigurationFile = z.infer<typeof fileSchema>;
