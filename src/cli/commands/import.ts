import { exitStatus, HoldfastError, isError } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import { findConfiguration } from '../application-configuration.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openOrCreateRepository, openRepository } from '../open-repository.ts';
import { readTime } from '../option-values.ts';
import { readSecretFile } from '../secret-file.ts';

const kinds = ['postgres', 'files'] as const;

export const importCommand: CommandDescription = {
  name: 'import',
  description:
    'Takes old backups in, each as a point of its own date: .sql, .dump, folders of pg_dump, .tar and .zip, also with .gz, .zst, .gpg or .age behind. In a folder everything that looks like a backup is taken.\nThe date is that of the name, else of the content, else of the file. Each is read to its end first: what is damaged is refused by name, and the rest goes on. What was imported before is not imported again.',
  arguments: [{ name: '<path...>', text: 'backups, or folders of them' }],
  options: [
    { flags: '--component <name>', text: 'what they are backups of (default: by their names, and what the configuration has)' },
    { flags: '--as <kind>', text: 'what they are to be taken for (default: what they look like)', choices: kinds },
    { flags: '--database <name>', text: 'the database that dumps are of, where they do not say' },
    { flags: '--time <time>', text: 'the time of all of them, such as "2025-11-20 14:30"' },
    { flags: '--identity <file>', text: 'a file with the age key that opens them (may be repeated)' },
    { flags: '--passphrase-file <file>', text: 'a file with the passphrase that opens them' },
    { flags: '--host <name>', text: 'the host that they are of (default: this one)' },
    { flags: '--tag <tags>', text: 'tags for the points, separated by commas' },
    { flags: '-y, --yes', text: 'do not ask' },
    { flags: '-n, --dry-run', text: 'show what each would become, and save nothing' },
  ],
  examples: [
    'import -r /backups/app /var/backups/old --dry-run',
    'import -r /backups/app --component database shop_20251120_143000.sql.gz',
  ],
  run: async (context) => {
    const { options, output } = context;
    const { importBackups } = await import('../../operations/import/import-backups.ts');
    const { recordOfImport, recordsOfImportPlan, textOfImport, textOfImportPlan } = await import('../print/print-import.ts');
    const request = await readRequest(context);
    const dryRun = options.has('dry-run');
    let repository: Repository | undefined;
    try {
      const report = await importBackups(
        async () => (repository = dryRun ? await openWhereThere(context) : await openOrCreateRepository(context)),
        {
          ...request,
          dryRun,
          lock: lockChoice(context),
          confirm: async (plan) => {
            for (const record of recordsOfImportPlan(plan)) output.result(record, () => '');
            output.say(textOfImportPlan(plan));
            return dryRun || plan.imports.every(({ present }) => present) || confirm(context);
          },
        },
        context,
      );
      output.result(recordOfImport(report), () => (output.quiet ? '' : textOfImport(report)));
      return report.refused.length === 0 ? exitStatus.done : exitStatus.incomplete;
    } finally {
      await repository?.close();
    }
  },
};

async function readRequest(context: CommandContext) {
  const { options, args, environment } = context;
  const { openUnsealing } = await import('../../operations/import/unseal.ts');
  const [component, database, host, passphraseFile] = [
    options.text('component'),
    options.text('database'),
    options.text('host'),
    options.text('passphrase-file'),
  ];
  const as = kinds.find((each) => each === options.text('as'));
  const time = options.value('time', readTime);
  const passphrase = passphraseFile === undefined ? {} : { passphrase: readSecretFile(passphraseFile) };
  return {
    paths: args,
    configuration: await findConfiguration(context),
    unseal: openUnsealing({ identities: options.texts('identity'), environment, ...passphrase }),
    environment,
    tags: options.list('tag'),
    ...(component === undefined ? {} : { component }),
    ...(database === undefined ? {} : { database }),
    ...(host === undefined ? {} : { host }),
    ...(as === undefined ? {} : { as }),
    ...(time === undefined ? {} : { time }),
  };
}

async function openWhereThere(context: CommandContext): Promise<Repository | undefined> {
  try {
    return await openRepository(context);
  } catch (error) {
    if (isError(error, 'repository-missing')) return undefined;
    throw error;
  }
}

async function confirm({ options }: CommandContext): Promise<boolean> {
  const { askToConfirm, isInteractive } = await import('../ask.ts');
  if (options.has('yes') || !isInteractive()) return true;
  if (await askToConfirm('Import these?')) return true;
  throw new HoldfastError('not-confirmed');
}
