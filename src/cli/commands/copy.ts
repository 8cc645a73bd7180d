import { exitStatus, isError, type ExitStatus } from '../../errors.ts';
import { sharesKey, type Repository } from '../../engine/repository.ts';
import type { PointRequest } from '../../operations/point-request.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { fromOptions, sameKeyOption } from '../from-options.ts';
import { createRepository, lockChoice, openRepository } from '../open-repository.ts';
import { fromPassword } from '../password-source.ts';
import { componentOption, filterOptions, pointText, readPoint } from '../point-options.ts';
import { formatCount, formatMoment, formatSize } from '../print/quantities.ts';
import { printable } from '../print/table.ts';
import { fromAddress } from '../repository-address.ts';

export const copyCommand: CommandDescription = {
  name: 'copy',
  description:
    'Copies points from the repository --from-repo to the repository --repo, with everything they need. What is there already is not copied again.\nThe password of the other is taken from HOLDFAST_FROM_PASSWORD, HOLDFAST_FROM_PASSWORD_FILE or HOLDFAST_FROM_PASSWORD_COMMAND (or those of restic).\nThe repository is created where there is none, so that the two share how files are cut. Holds on points go along.',
  arguments: [{ name: '[point...]', text: `${pointText} (default: all points)` }],
  options: [
    ...fromOptions,
    sameKeyOption,
    { flags: '--no-init', text: 'fail where there is no repository to copy to, rather than create it' },
    {
      flags: '--missed',
      text: "of the configuration's application: only points newer than the newest that both have, or the newest where the other has none",
    },
    { flags: '-n, --dry-run', text: 'list what would be copied, and write nothing' },
    componentOption,
    ...filterOptions,
  ],
  examples: ['copy -r /mnt/offsite/app --from-repo /backups/app', 'copy -r /mnt/offsite/app --from-repo /backups/app latest'],
  run: async (context) => {
    const { options, args, output } = context;
    const named = args.map((text) => readPoint(options, text).point);
    if (options.has('missed') && (args.length > 0 || options.has('dry-run')))
      throw options.wrong('--missed goes without points and --dry-run');
    const { copyPoints } = await import('../../operations/maintain.ts');
    const from = await openRepository(context, { address: fromAddress, password: fromPassword });
    try {
      if (options.has('dry-run')) return await showCopy(context, from, named);
      const to = await openTarget(context, from);
      try {
        const points = options.has('missed') ? await missedPoints(context, from, to) : named;
        if (points === undefined) {
          output.result(
            {
              message_type: 'summary',
              copied: [],
              present: [],
              blobs: 0,
              bytes: 0,
              whole_packs: 0,
              wal_objects: 0,
              wal_bytes: 0,
              holds: 0,
            },
            () => (output.quiet ? '' : 'nothing was missed'),
          );
          return exitStatus.done;
        }
        const { copied, present, blobs, bytes, wholePacks, wal, holds } = await copyPoints(
          { from, to, points, lock: lockChoice(context) },
          context,
        );
        const record = {
          message_type: 'summary',
          copied,
          present,
          blobs,
          bytes,
          whole_packs: wholePacks,
          wal_objects: wal.objects,
          wal_bytes: wal.bytes,
          holds,
        };
        const log = wal.objects === 0 ? '' : `; ${formatSize(wal.bytes)} of write-ahead log`;
        const held = holds === 0 ? '' : `; ${formatCount(holds, 'hold')}`;
        const text = `${formatCount(copied.length, 'snapshot')} copied (${formatCount(blobs, 'blob')}, ${formatSize(bytes)}), ${present.length} there already${log}${held}`;
        output.result(record, () => (output.quiet ? '' : text));
        return exitStatus.done;
      } finally {
        await to.close();
      }
    } finally {
      await from.close();
    }
  },
};

/** What the other lacks since it was last copied to. Undefined for nothing. */
async function missedPoints(context: CommandContext, from: Repository, to: Repository): Promise<readonly PointRequest[] | undefined> {
  const { findConfiguration } = await import('../application-configuration.ts');
  const application = (await findConfiguration(context))?.application;
  if (application === undefined) throw context.options.wrong('--missed goes with a configuration, which says whose points are meant');
  const { findMissedPoints } = await import('../../operations/application/missed-points.ts');
  const { loadPoints } = await import('../../operations/points.ts');
  const isOwn = ({ components }: Awaited<ReturnType<typeof loadPoints>>[number]): boolean =>
    components.some(({ tags }) => tags.application === application);
  const hasSome = (await loadPoints(to)).some(isOwn);
  const points = hasSome
    ? await findMissedPoints({ from, to, application, newPoint: '' })
    : (await loadPoints(from)).filter(isOwn).slice(-1);
  return points.length === 0 ? undefined : points.map(({ id }) => ({ name: id }));
}

async function openTarget(context: CommandContext, from: Repository): Promise<Repository> {
  const { options } = context;
  try {
    const to = await openRepository(context);
    if (!options.has('same-key') || sharesKey(from, to)) return to;
    await to.close();
    throw options.wrong(`${to.location} is there already, with a key of its own; --same-key is for one that is to be created`);
  } catch (error) {
    if (!isError(error, 'repository-missing') || options.has('no-init')) throw error;
    const to = await createRepository(context, { polynomialOf: from, ...(options.has('same-key') ? { sameKeyAs: from } : {}) });
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
