/** Archives: points as plain files, at times of their own. */
import type { z } from 'zod';
import { keep } from './keep.ts';
import { mapping, named, oneOrMany, rule, text, wordOf } from './parts.ts';
import { placeKeys } from './place.ts';
import { scheduleText } from './schedule.ts';
import { secret } from './shared.ts';

const recipients = oneOrMany(text('a recipient'), 'a recipient, or a list of recipients');

const encrypt = rule(
  mapping({
    gpg: recipients
      .meta({
        description: 'GPG keys: of the keyring of whoever runs this, or files with a public key, as `./ops.asc`.',
        examples: ['ops@example.org'],
      })
      .optional(),
    age: recipients.meta({ description: 'age recipients, or files with some: `./recipients.txt`.', examples: ['age1…'] }).optional(),
    passphrase: secret.meta({ description: 'A passphrase, for `gpg --decrypt`.' }).optional(),
  }),
  (value) => {
    const found = ['gpg', 'age', 'passphrase'].filter((key) => key in value);
    if (found.length === 0) return { found: 'none of them', allowed: 'gpg, passphrase or both, or age', missing: true };
    return found.includes('age') && found.length > 1
      ? { at: 'age', found: `age beside ${found.filter((key) => key !== 'age').join(' and ')}`, allowed: 'one of the two' }
      : undefined;
  },
);

const archive = mapping({
  to: text('a folder or an address').meta({
    description: 'Where it is written: a folder, or an address as of a repository. A relative folder is beside the file.',
    examples: ['s3://bucket/archives'],
  }),
  class: placeKeys.class,
  credentials: placeKeys.credentials,
  components: oneOrMany(text('the name of a component'), 'a component, or a list of components')
    .meta({ description: 'Only these components; all of them where it is not said.' })
    .optional(),
  encrypt: encrypt
    .meta({ description: 'Who can read it. Without it everybody can who has the files, and secrets are left out of configuration files.' })
    .optional(),
  file: wordOf(['many', 'one'])
    .meta({ description: '`many`: a folder with a file for each component. `one`: a single `.tar.gz`.', default: 'many' })
    .optional(),
  compression: wordOf(['gzip', 'zstd']).meta({ description: 'What it is compressed with.', default: 'gzip' }).optional(),
  keep: keep.meta({ description: 'Which archives `holdfast archive NAME --prune` keeps; the newest always stays.' }).optional(),
  schedule: scheduleText()
    .meta({
      description:
        'When it is due: five fields of cron (minute, hour, day of the month, month, day of the week), or `monthly` and its kin.',
      examples: ['0 5 1 * *'],
    })
    .optional(),
});

export const archives = named(archive, 'archives').meta({
  description: 'Points as plain files that need no holdfast, for years and for others: `holdfast archive NAME` makes one.',
});

export type WrittenArchive = z.infer<typeof archive>;
