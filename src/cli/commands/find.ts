import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { readTime } from '../option-values.ts';
import { filterOptions, readFilter, readPoint } from '../point-options.ts';
import { formatMoment } from '../print/quantities.ts';

export const findCommand: CommandDescription = {
  name: 'find',
  description: 'Looks for files and folders by name or pattern in every point, or in those named.',
  arguments: [{ name: '<pattern...>', text: 'a name, or a pattern such as "*.sql" or /srv/**/config.yml' }],
  options: [
    { flags: '--point <point>', text: 'only in this point (may be repeated)' },
    { flags: '-i, --ignore-case', text: 'whatever the case of letters' },
    { flags: '--oldest <time>', text: 'modified at this time or later' },
    { flags: '--newest <time>', text: 'modified at this time or earlier' },
    { flags: '-l, --long', text: 'with mode, owner, size and time' },
    ...filterOptions,
  ],
  examples: ["find -r /backups/app '*.sql'", 'find -r /backups/app --point latest config.yml'],
  run: async (context) => {
    const { options, args, output } = context;
    const [oldest, newest] = [options.value('oldest', readTime), options.value('newest', readTime)];
    const filter = readFilter(options);
    const named = options.texts('point').map((text) => readPoint(options, text).point);
    const { findEntries } = await import('../../operations/browse.ts');
    const { filterPoints } = await import('../../operations/find-point.ts');
    const { lineOfEntry, longLineOfEntry, recordOfEntry } = await import('../print/print-entry.ts');
    const repository = await openRepository(context);
    let last = '';
    try {
      await findEntries(
        repository,
        {
          ...(named.length === 0 ? {} : { points: named }),
          among: (point) => filterPoints([point], filter).length > 0,
          lock: lockChoice(context),
          query: {
            patterns: args,
            ignoreCase: options.has('ignore-case'),
            ...(oldest === undefined ? {} : { oldest: toNanoseconds(oldest) }),
            ...(newest === undefined ? {} : { newest: toNanoseconds(newest) }),
          },
          onFound: ({ snapshot, path, node }, point) => {
            const shortId = point.id.slice(0, 8);
            if (snapshot.id !== last)
              output.say(
                `${last === '' ? '' : '\n'}in point ${shortId} of ${formatMoment(new Date(point.time))} (snapshot ${snapshot.id.slice(0, 8)})`,
              );
            last = snapshot.id;
            output.result(
              { ...recordOfEntry(path, node), message_type: 'match', point: point.id, short_id: shortId, snapshot: snapshot.id },
              () => (options.has('long') ? longLineOfEntry(path, node) : lineOfEntry(path)),
            );
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

function toNanoseconds(time: Date): bigint {
  return BigInt(time.getTime()) * 1_000_000n;
}
