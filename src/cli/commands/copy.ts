import { exitStatus, isError, type ExitStatus } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import type { PointRequest } from '../../operations/point-request.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { createRepository, lockChoice, openRepository } from '../open-repository.ts';
import { fromPassword } from '../password-source.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';
import { formatCount, formatMoment, formatSize } from '../print/quantities.ts';
import { printable } from '../print/table.ts';
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
    { flags: '-n, --dry-run', text: 'list what would be copied, and write nothing' },
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
      if (options.has('dry-run')) return await showCopy(context, from, points);
      const to = await openTarget(context, from);
      try {
        const { copied, present, blobs, bytes, wal } = await copyPoints({ from, to, points, lock: lockChoice(context) }, context);
        const record = { message_type: 'summary', copied, present, blobs, bytes, wal_objects: wal.objects, wal_bytes: wal.bytes };
        const log = wal.objects === 0 ? '' : `; ${formatSize(wal.bytes)} of write-ahead log`;
        if (!output.quiet || output.json)
          output.result(
            record,
            () =>
              `${formatCount(copied.length, 'snapshot')} copied (${formatCount(blobs, 'blob')}, ${formatSize(bytes)}), ${present.length} there already${log}`,
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

async function showCopy(context: CommandContext, from: Repository, points: readonly PointRequest[]): Promise<ExitStatus> {
  const { options, output } = context;
  const { planCopy } = await import('../../operations/plan-copy.ts');
  const to = await openRepository(context).catch((error: unknown) => {
    if (!isError(error, 'repository-missing') || options.has('no-init')) throw error;
    return undefined;
  });
  try {
    const { missing, present } = await planCopy({ from, to, points }, context);
    for (const { point, component } of missing)
      output.result(
        {
          message_type: 'action',
          action: 'copy',
          point: point.id,
          short_id: point.id.slice(0, 8),
          snapshot: component.id,
          component: component.tags.component,
          time: point.time,
        },
        () =>
          output.quiet
            ? ''
            : `copy  point ${point.id.slice(0, 8)} of ${formatMoment(new Date(point.time))}  ${printable(component.tags.component)}`,
      );
    const record = { message_type: 'summary', copied: [], to_copy: missing.map(({ component }) => component.id), present, dry_run: true };
    const created = to === undefined ? '; the repository would be created' : '';
    const text = `dry run: ${formatCount(missing.length, 'snapshot')} to copy, ${present.length} there already${created}; nothing was done`;
    if (!output.quiet || output.json) output.result(record, () => text);
    return exitStatus.done;
  } finally {
    await to?.close();
  }
}
