import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { readDataSubset } from '../read-data-choice.ts';
import { retrieveFirst, retrieveOption } from '../retrieve-first.ts';

export const checkCommand: CommandDescription = {
  name: 'check',
  description:
    'Checks that every point has all that it needs. With --read-data every byte is read and compared with its hash. Exit status 1: something is damaged or missing.',
  options: [
    { flags: '--read-data', text: 'read and verify all data' },
    {
      flags: '--read-data-subset <share>',
      text: 'read and verify a share of it: 5% (a random one), 2/7 (the second of seven), or today/30 (each day the next of thirty; this-week/4 and this-month/3 alike)',
    },
    retrieveOption,
  ],
  examples: ['check -r /backups/app', 'check -r /backups/app --read-data-subset 10%'],
  run: async (context) => {
    const { options, output } = context;
    options.onlyOneOf('read-data', 'read-data-subset');
    const readData = options.has('read-data')
      ? 'all'
      : (options.value('read-data-subset', (text) => readDataSubset(text, context.clock.now())) ?? 'none');
    const { check } = await import('../../operations/maintain.ts');
    const { recordOfCheck, recordsOfFindings, textOfCheck } = await import('../print/print-check.ts');
    const repository = await openRepository(context);
    try {
      // Which packs a share of the data takes is chosen later.
      await retrieveFirst(context, repository, readData === 'none' ? 'folders' : 'all');
      const report = await check(repository, { readData }, lockChoice(context), context);
      for (const line of recordsOfFindings(report)) output.finding(line.record, () => line.text);
      output.result(recordOfCheck(report), () => (output.quiet ? '' : textOfCheck(report)));
      return report.errors.length > 0 ? exitStatus.failed : exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};
