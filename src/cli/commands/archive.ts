import { exitStatus } from '../../errors.ts';
import type { MakeArchiveRequest } from '../../operations/archive/make-archive.ts';
import type { SealRequest } from '../../operations/archive/sealing.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { lockChoice, openRepository } from '../open-repository.ts';
import { filterOptions, pointText, readFilter } from '../point-options.ts';
import { readSecretFile } from '../secret-file.ts';

export const archiveCommand: CommandDescription = {
  name: 'archive',
  description:
    'Writes a point as plain files that anybody can put back without holdfast: README.txt in the archive says how.\nEach component becomes a file of the usual kind: a dump for pg_restore, a tar, a Redis snapshot. Without encryption, what may be a secret is left out of configuration files.\nNothing half stands under the final name, and what was written is read back and compared.',
  arguments: [{ name: '[point]', text: `${pointText} (default: latest); or an archive of the configuration, by its name` }],
  options: [
    { flags: '--to <place>', text: 'a folder, an address such as s3://bucket/archives, or with --one-file a file' },
    { flags: '--component <name>', text: 'only this component (may be repeated)' },
    { flags: '--one-file', text: 'one .tar.gz instead of a folder of files' },
    { flags: '--gzip', text: 'compress with gzip (this is the default)' },
    { flags: '--zstd', text: 'compress with zstd: smaller and faster, and zstd is needed to read it' },
    { flags: '--gpg <key>', text: 'encrypt to this GPG key: of the keyring, or a file with a public key (may be repeated)' },
    { flags: '--age <recipient>', text: 'encrypt to this age recipient, or those in a file (may be repeated)' },
    { flags: '--passphrase-file <file>', text: 'encrypt with the passphrase in this file, by gpg' },
    { flags: '--class <name>', text: 'storage class, such as GLACIER or Archive' },
    { flags: '--prune', text: 'of an archive of the configuration: remove those that its keep rules do not keep, never the newest' },
    { flags: '-n, --dry-run', text: 'list what would be written (or removed), and write nothing' },
    ...filterOptions,
  ],
  examples: [
    'archive -r /backups/app --to /mnt/archives --gpg ops@example.org',
    'archive latest -r /backups/app --to s3://bucket/archives --class GLACIER --age age1… --one-file',
    'archive monthly --prune',
  ],
  run: async (context) => {
    const { options, args } = context;
    options.onlyOneOf('gzip', 'zstd');
    if (!options.has('to')) {
      const { runConfiguredArchive } = await import('../configured-archive.ts');
      return runConfiguredArchive(context, args[0]);
    }
    if (options.has('prune')) throw options.wrong('--prune goes with an archive of the configuration, which has keep rules');
    await runArchive(context, {
      point: { name: args[0] ?? 'latest', filter: readFilter(options) },
      ...(options.has('component') ? { components: options.list('component') } : {}),
      compression: options.has('zstd') ? 'zstd' : 'gzip',
      oneFile: options.has('one-file'),
      to: options.text('to') ?? '',
      seal: readSeal(context),
      ...(options.has('class') ? { storageClass: options.text('class') ?? '' } : {}),
    });
    return exitStatus.done;
  },
};

export type ArchiveWords = Omit<MakeArchiveRequest, 'dryRun' | 'lock' | 'environment'>;

/** Makes it and prints it. */
export async function runArchive(context: CommandContext, request: ArchiveWords): Promise<void> {
  const { options, output, environment } = context;
  const { makeArchive } = await import('../../operations/archive/make-archive.ts');
  const { recordOfArchive, textOfArchive } = await import('../print/print-archive.ts');
  const repository = await openRepository(context);
  try {
    const whole = { ...request, environment, dryRun: options.has('dry-run'), lock: lockChoice(context) };
    const report = await makeArchive(repository, whole, context);
    output.result(recordOfArchive(report), () => (output.quiet ? '' : textOfArchive(report)));
  } finally {
    await repository.close();
  }
}

function readSeal({ options }: CommandContext): SealRequest {
  const file = options.text('passphrase-file');
  return { gpg: options.texts('gpg'), age: options.texts('age'), ...(file === undefined ? {} : { passphrase: readSecretFile(file) }) };
}
