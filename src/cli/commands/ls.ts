import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';

export const lsCommand: CommandDescription = {
  name: 'ls',
  description: 'Lists the files and folders of a recovery point, or of one folder of it.',
  arguments: [
    { name: '[point]', text: `${pointText} (default: latest), with :/FOLDER behind it for what is in that folder` },
    { name: '[path]', text: 'a folder or file of the point, absolute' },
  ],
  options: [
    { flags: '-l, --long', text: 'with mode, owner, size and time' },
    { flags: '--shallow', text: 'not what is in the folders below' },
    { flags: '--recursive', text: 'also what is in the folders below, which is the default', hidden: true },
    componentOption,
    ...filterOptions,
  ],
  examples: ['ls -r /backups/app latest --long', 'ls -r /backups/app latest:/srv/app/uploads --shallow'],
  run: async (context) => {
    const { options, args, output } = context;
    const { point, path } = readPoint(options, args[0]);
    if (path !== undefined && args[1] !== undefined) throw options.wrong('the folder is named twice');
    const { listEntries } = await import('../../operations/browse.ts');
    const { describePoint } = await import('../../operations/points.ts');
    const { lineOfEntry, longLineOfEntry, recordOfEntry } = await import('../print/print-entry.ts');
    const repository = await openRepository(context);
    try {
      const wanted = path ?? args[1];
      await listEntries(
        repository,
        {
          point,
          ...(wanted === undefined ? {} : { path: wanted }),
          recursive: !options.has('shallow'),
          lock: lockChoice(context),
          onPoint: (found) => output.result({ message_type: 'point', ...describePoint(found.point) }, () => ''),
          onEntry: ({ path: at, node }) => {
            output.result(recordOfEntry(at, node), () => (options.has('long') ? longLineOfEntry(at, node) : lineOfEntry(at)));
            return !output.closed;
          },
        },
        context,
      );
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};
