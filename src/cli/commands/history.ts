import { runKinds, runStatuses } from '../../catalog/run-record.ts';
import { exitStatus } from '../../errors.ts';
import { openHostCatalog } from '../open-catalog.ts';
import type { CommandDescription } from '../command-description.ts';
import { readCount, readTime } from '../option-values.ts';

const usualCount = 20;

export const historyCommand: CommandDescription = {
  name: 'history',
  description:
    "Lists what ran on this host: backups, restores, drills, checks and whatever else changes something, the newest first, with who asked for it and how it ended. It is this host's memory only; what is in a repository, and who did what there, is shown by `holdfast list` and `holdfast audit`.",
  options: [
    { flags: '--kind <kind>', text: 'only runs of this kind', choices: runKinds },
    { flags: '--status <status>', text: 'only runs that ended so, or are running', choices: runStatuses },
    { flags: '--component <name>', text: 'only runs that concern this component' },
    { flags: '--since <time>', text: 'only runs that began then or later' },
    { flags: '--limit <n>', text: `at most so many, the newest (default: ${usualCount})` },
  ],
  examples: ['history', 'history --kind backup --status failed --limit 5', 'history --component database --json'],
  run: async (context) => {
    const { options, output } = context;
    const { recordOfRun, textOfRuns } = await import('../print/print-history.ts');
    const [component, since] = [options.text('component'), options.value('since', readTime)];
    const kind = runKinds.find((each) => each === options.text('kind'));
    const status = runStatuses.find((each) => each === options.text('status'));
    const limit = options.value('limit', readCount) ?? usualCount;
    const catalog = await openHostCatalog(context);
    try {
      catalog.markInterrupted();
      const runs = catalog.runs({
        limit,
        ...(kind === undefined ? {} : { kind }),
        ...(status === undefined ? {} : { status }),
        ...(component === undefined ? {} : { component }),
        ...(since === undefined ? {} : { since }),
      });
      if (output.json) for (const run of runs) output.result(recordOfRun(run), () => '');
      else output.result({}, () => textOfRuns(runs));
      return exitStatus.done;
    } finally {
      catalog.close();
    }
  },
};
