import type { Repository } from '../../engine/repository.ts';
import { exitStatus, type ExitStatus } from '../../errors.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { fromOptions, sameKeyOption } from '../from-options.ts';
import { createRepository, lockChoice, openRepository } from '../open-repository.ts';
import { fromPassword } from '../password-source.ts';
import { formatCount, formatSize } from '../print/quantities.ts';
import { fromAddress } from '../repository-address.ts';

export const repoInitCommand: CommandDescription = {
  name: 'repo init',
  description:
    'Creates an empty repository. (A first backup does so too.) Without its password nothing in it can ever be read: keep that safe. With --from-repo it cuts files as that repository does, so that copies between the two share their data.',
  options: [
    {
      flags: '--repository-version <version>',
      text: 'version of the format: 2, or 1 for restic before 0.14 (default: 2)',
      choices: ['1', '2'],
    },
    ...fromOptions,
    sameKeyOption,
  ],
  examples: ['repo init -r /backups/app', 'repo init -r /mnt/offsite/app --from-repo /backups/app --same-key'],
  run: async (context) => {
    const { options } = context;
    const version = options.text('repository-version');
    const isLikeAnother = options.has('same-key') || options.has('from-repo') || options.has('from-repository-file');
    const other = isLikeAnother ? await openRepository(context, { address: fromAddress, password: fromPassword }) : undefined;
    const repository = await createAs(context, version, other);
    const { location, config } = repository;
    await repository.close();
    context.output.result(
      { message_type: 'initialized', id: config.id, repository: location, version: config.version },
      () => `created the repository ${config.id.slice(0, 10)} in ${location}`,
    );
    return exitStatus.done;
  },
};

async function createAs(context: CommandContext, version: string | undefined, other: Repository | undefined): Promise<Repository> {
  try {
    return await createRepository(context, {
      ...(version === undefined ? {} : { version: version === '1' ? 1 : 2 }),
      ...(other === undefined ? {} : { polynomialOf: other }),
      ...(context.options.has('same-key') ? { sameKeyAs: other } : {}),
    });
  } finally {
    await other?.close();
  }
}

export const repoInfoCommand: CommandDescription = {
  name: 'repo info',
  description: 'Shows the id and version of a repository, and how many files of each kind it has.',
  examples: ['repo info -r /backups/app --json'],
  run: async (context) => {
    const { describeRepository } = await import('../../operations/maintain.ts');
    const repository = await openRepository(context);
    try {
      const { location, id, version, snapshots, keys, indexFiles, locks, packs, packBytes } = await describeRepository(repository);
      const record = {
        message_type: 'repository',
        repository: location,
        id,
        version,
        snapshots,
        keys,
        index_files: indexFiles,
        locks,
        packs,
        size: packBytes,
      };
      context.output.result(record, () =>
        [
          `repository  ${location}`,
          `id          ${id}`,
          `version     ${version} of restic's format`,
          `snapshots   ${snapshots}`,
          `packs       ${packs}, ${formatSize(packBytes)}`,
          `keys        ${keys}`,
          `index       ${formatCount(indexFiles, 'file')}`,
          `locks       ${locks}`,
        ].join('\n'),
      );
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};

export const repoRepairIndexCommand: CommandDescription = {
  name: 'repo repair-index',
  description: 'Makes the index anew from what the packs say they hold: for a repository whose index is damaged or incomplete.',
  options: [
    { flags: '--read-all-packs', text: 'read the headers of all packs, and not only of those that no index names' },
    { flags: '-n, --dry-run', text: 'say what would be found, and write nothing' },
  ],
  examples: ['repo repair-index -r /backups/app'],
  run: async (context) => {
    const { repairIndex } = await import('../../operations/maintain.ts');
    if (context.options.has('dry-run')) return inspect(context);
    const repository = await openRepository(context);
    try {
      const report = await repairIndex(repository, context.options.has('read-all-packs'), lockChoice(context), context);
      for (const { object, reason } of report.problems) context.events({ type: 'problem', path: object, reason });
      const record = {
        message_type: 'summary',
        packs: report.packs,
        packs_read: report.packsRead,
        removed_index_files: report.removedIndexFiles,
        new_index_files: report.newIndexFiles,
        problems: report.problems.length,
      };
      context.output.result(
        record,
        () =>
          `index of ${formatCount(report.packs, 'pack')} made anew (${report.packsRead} read): ${formatCount(report.newIndexFiles, 'file')} written, ${report.removedIndexFiles} removed`,
      );
      return report.problems.length > 0 ? exitStatus.incomplete : exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};

async function inspect(context: CommandContext): Promise<ExitStatus> {
  const { inspectIndex } = await import('../../operations/maintain.ts');
  const repository = await openRepository(context);
  try {
    const found = await inspectIndex(repository, context.options.has('read-all-packs'), context);
    const { packs, packsRead, packsMissing, removedIndexFiles, problems } = found;
    for (const { object, reason } of problems) context.events({ type: 'problem', path: object, reason });
    const record = {
      message_type: 'summary',
      packs,
      packs_read: packsRead,
      packs_missing: packsMissing,
      removed_index_files: removedIndexFiles,
      problems: problems.length,
      dry_run: true,
    };
    context.output.result(
      record,
      () =>
        `dry run: the index of ${formatCount(packs, 'pack')} would be made anew: ${packsRead} not in it as they are, ${packsMissing} in it and gone, ${formatCount(removedIndexFiles, 'file')} would be replaced; nothing was done`,
    );
    return problems.length > 0 ? exitStatus.incomplete : exitStatus.done;
  } finally {
    await repository.close();
  }
}
