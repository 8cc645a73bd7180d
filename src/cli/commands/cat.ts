import type { ObjectType } from '../../engine/browse/cat-object.ts';
import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';
import { retrieveFirst, retrieveOption } from '../retrieve-first.ts';

const objectTypes = ['config', 'key', 'snapshot', 'index', 'pack', 'tree', 'blob', 'lock'] as const satisfies readonly ObjectType[];

export const catCommand: CommandDescription = {
  name: 'cat',
  description: `Prints the content of one file of a point on stdout. With --object it prints one of the repository's own objects: ${objectTypes.join(', ')}.`,
  arguments: [
    { name: '[point]', text: `${pointText}, with :/PATH behind it; with --object the object's id` },
    { name: '[path]', text: 'the file, absolute' },
  ],
  options: [
    { flags: '--object <kind>', text: "a kind of the repository's objects", choices: objectTypes },
    componentOption,
    ...filterOptions,
    retrieveOption,
  ],
  examples: ['cat -r /backups/app latest:/srv/app/.env', 'cat -r /backups/app --object snapshot 1a2b3c4d'],
  run: async (context) => {
    const { options, args, output } = context;
    const type = objectTypes.find((each) => each === options.text('object'));
    const { point, path } = readPoint(options, args[0]);
    const file = path ?? args[1];
    if (type === undefined && file === undefined)
      throw options.wrong('no file was named; it goes behind the point, as in latest:/etc/hosts');
    const { readFileOf, readObjectOf } = await import('../../operations/browse.ts');
    const repository = await openRepository(context);
    try {
      if (type !== undefined) {
        await output.bytes(await readObjectOf(repository, type, args[0] ?? '', lockChoice(context), context));
      } else if (file !== undefined) {
        await retrieveFirst(context, repository, (scopes, facts) => scopes.scopeOfPoint(point, file, facts));
        const onBytes = async (chunk: Uint8Array): Promise<boolean> => {
          await output.bytes(chunk);
          return !output.closed;
        };
        await readFileOf(repository, { point, path: file, onBytes, lock: lockChoice(context) }, context);
      }
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};
