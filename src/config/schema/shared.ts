/** Values that stand in several places of the file: secrets, commands, addresses. */
import { z } from 'zod';
import { duration, exactlyOne, mapping, oneOrMany, text } from './parts.ts';

/** Without a slash or space: a Compose service, a container. */
export const serviceName = z
  .string({ error: 'the name of a service' })
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, { error: 'the name of a service' });

export const secretMapping = exactlyOne(
  mapping({
    value: text().meta({ description: 'The secret itself. Better: one of the others, or `${VARIABLE}`.' }).optional(),
    file: text()
      .meta({ description: 'A file that holds it; the end of its last line does not count.', examples: ['/run/secrets/db'] })
      .optional(),
    env: text()
      .meta({
        description: 'The environment variable that holds it, or (with `_FILE` added) the name of a file that does.',
        examples: ['DB_PASSWORD'],
      })
      .optional(),
    command: text()
      .meta({ description: 'A command for `sh -c` that prints it.', examples: ['pass show backups/app'] })
      .optional(),
  }),
  ['value', 'file', 'env', 'command'],
);

/** A secret is named and not read when the file is loaded. */
export const secret = z.union([text(), secretMapping], { error: 'a text, or a mapping with value, file, env or command' });

const commandMapping = mapping({
  run: text('a command for sh').meta({
    description: 'For `sh -c`. `${VARIABLES}` in it are left to the shell.',
    examples: ['flask db upgrade'],
  }),
  service: serviceName.meta({ description: 'Run it inside this Compose service instead of on the host.' }).optional(),
  within: duration().meta({ description: 'It is ended after this time.', default: '10m' }).optional(),
});

const command = z.union([text('a command for sh'), commandMapping], { error: 'a command, or a mapping with run, service, within' });

export const commands = oneOrMany(command, 'a command, or a list of commands');

export const hooks = mapping({
  before: commands.meta({ description: 'Run first. Where one fails, nothing is saved.' }).optional(),
  after: commands.meta({ description: 'Run when it was well.' }).optional(),
  failed: commands.meta({ description: 'Run when it was not.' }).optional(),
});

/** Keys of a service or a container, for the mappings of sources. */
export const containerKeys = {
  service: serviceName.meta({ description: 'The Compose service it runs in.', examples: ['db'] }).optional(),
  container: serviceName.meta({ description: 'The container it runs in, by name or id.' }).optional(),
  project: serviceName.meta({ description: 'The Compose project of the service, where it is another than that of the file.' }).optional(),
};
