import { exitStatus, isError } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { createRepository, lockChoice, openRepository } from '../open-repository.ts';
import { fromPassword } from '../password-source.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';
import { formatCount, formatSize } from '../print/quantities.ts';
import { fromAddress } from '../repository-address.ts';

export const copyCommand: CommandDescription = {
  name: 'copy',
  description:
    'Copies points from the repository --from-repo to the repository --repo, with everything they need. What is there already is not copied again.\nThe password of the other is taken from HOLDFAST_FROM_PASSWORD, HOLDFAST_FROM_PASSWORD_FILE or HOLDFAST_FROM_PASSWORD_COMMAND (or those of restic).\nThe repository is created where there is none, so that the two share how files are cut.',
  arguments: [{ name: '[point...]', text: `${pointText} (default: all points)` }],
  options: [
    { flags: '--from-repo <url>', text: 'the repository to copy from (or HOLDFAST_FROM_REPOSITORY)' },
    { flags: '--from-repository-file <file>', text: 'a file that holds its address' },
    { flags: '--from-password-file <file>', text: 'a file that holds its password' },
    { flags: '--from-password-command <command>', text: 'a program that prints its password' },
    { flags: '--no-init', text: 'fail where there is no repository to copy to, rather than create it' },
    componentOption,
    ...filterOptions,
  ],
  examples: ['copy -r /mnt/offsite/app --from-repo /backups/app', 'copy -r /mnt/offsite/app --from-repo /backups/app latest'],
  run: async (context) => {
    const { options, args, output } = context;
    const points = args.map((text) => readPoint(options, text).point);
    const { copyPoints } = await import('../../operations/maintain.ts');
    const from = await openRepository(context, { address: fromAddress, password: fromPassword });
    try {
      const to = await openTarget(context, from);
      try {
        const { copied, present, blobs, bytes } = await copyPoints({ from, to, points, lock: lockChoice(context) }, context);
        const record = { message_type: 'summary', copied, present, blobs, bytes };
        if (!output.quiet || output.json)
          output.result(
            record,
            () =>
              `${formatCount(copied.length, 'snapshot')} copied (${formatCount(blobs, 'blob')}, ${formatSize(bytes)}), ${present.length} there already`,
          );
        return exitStatus.done;
      } finally {
        await to.close();
      }
    } finally {
      await from.close();
    }
  },
};

async function openTarget(context: CommandContext, from: Repository): Promise<Repository> {
  try {
    return await openRepository(context);
  } catch (error) {
    if (!isError(error, 'repository-missing') || context.options.has('no-init')) throw error;
    const to = await createRepository(context, { polynomialOf: from });
    context.output.remark(`created the repository ${to.location}`);
    return to;
  }
}
