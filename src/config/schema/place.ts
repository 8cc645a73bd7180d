/** What a repository's place needs to be told: credentials, classes, locks, limits. */
import { z } from 'zod';
import { mapping, size, textLike, wordOf } from './parts.ts';
import { secret } from './shared.ts';

const credentialName = 'a name such as AWS_ACCESS_KEY_ID: capital letters, digits and "_"';
const hours = 'two times of the day such as 22:00-06:00';

export const placeKeys = {
  credentials: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, { error: credentialName }), secret, {
      error: 'a mapping from names of variables to secrets',
    })
    .meta({
      description:
        'What logs in to this place, by the names that it has as environment variables; where there are some, none of the same kind is taken from the environment. So two stores of one kind can have keys of their own.',
      examples: [{ AWS_ACCESS_KEY_ID: '${OFFSITE_KEY_ID}', AWS_SECRET_ACCESS_KEY: { file: '/run/secrets/offsite' } }],
    })
    .optional(),
  class: textLike(/^[A-Za-z0-9_-]{1,40}$/, 'a storage class')
    .meta({ description: 'The storage class or access tier of new objects, in the words of the provider.', examples: ['STANDARD_IA'] })
    .optional(),
  lock: mapping({
    mode: wordOf(['governance', 'compliance']).meta({
      description: '`governance`: who has a special right may delete all the same. `compliance`: nobody.',
    }),
    for: textLike(/^[1-9]\d{0,3}d$/, 'a number of days such as 30d').meta({
      description: 'For how long an object is locked when it is stored, and again while a point that is kept needs it.',
      examples: ['14d'],
    }),
  })
    .meta({
      description: 'Objects cannot be deleted or replaced for so long, whoever has the credentials. The bucket must have object lock.',
    })
    .optional(),
  limits: mapping({
    upload: size()
      .meta({ description: 'Bytes a second that are written at most.', examples: ['5M'] })
      .optional(),
    download: size().meta({ description: 'Bytes a second that are read at most.' }).optional(),
    connections: z
      .int({ error: 'a whole number from 1 to 64' })
      .min(1, { error: 'a whole number from 1 to 64' })
      .max(64, { error: 'a whole number from 1 to 64' })
      .meta({ description: 'Requests at once.', default: 8 })
      .optional(),
    hours: textLike(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, hours)
      .meta({
        description:
          'Copies are brought here between these times of the day only, by the clock of this machine; at others they wait for the next backup.',
        examples: ['22:00-06:00'],
      })
      .optional(),
  })
    .meta({ description: 'What may be asked of the way there.' })
    .optional(),
} satisfies Readonly<Record<string, z.ZodType>>;
