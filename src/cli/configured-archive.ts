/** Archives that the configuration names: made, and removed by their keep rules. */
import type { ArchiveConfiguration, Configuration } from '../config/configuration.ts';
import { exitStatus, HoldfastError, isError, type ExitStatus } from '../errors.ts';
import { findConfiguration } from './application-configuration.ts';
import type { CommandContext, Environment } from './command-context.ts';
import { runArchive } from './commands/archive.ts';
import { readCredentials } from './place-options.ts';

/** Throws `archive-unknown`, `usage`, and what making or removing one throws. */
export async function runConfiguredArchive(context: CommandContext, name: string | undefined): Promise<ExitStatus> {
  const { options, output } = context;
  if (name === undefined) throw options.wrong('--to says where the archive goes; or the name of an archive of the configuration is given');
  const configuration = await findConfiguration(context);
  const archive = findArchive(context, configuration, name);
  if (configuration === undefined) return exitStatus.done;
  const environment =
    archive.credentials === undefined
      ? context.environment
      : { ...context.environment, ...(await readCredentials(archive.credentials, context)) };
  if (options.has('prune')) return prune(context, configuration, archive, environment);
  try {
    await runArchive(
      { ...context, environment },
      {
        point: { name: 'latest', filter: { tags: [[`application:${configuration.application}`]] } },
        prefix: prefixOf(configuration, archive),
        compression: archive.compression,
        oneFile: archive.oneFile,
        to: archive.to,
        seal: await readSeal(context, archive),
        ...(archive.components === undefined ? {} : { components: archive.components }),
        ...(archive.storageClass === undefined ? {} : { storageClass: archive.storageClass }),
      },
    );
  } catch (error) {
    // A schedule comes more often than a new point does.
    if (!isError(error, 'archive-exists')) throw error;
    output.remark(`nothing to do: the newest point is archived already (${String(error.details['name'])})`);
  }
  return exitStatus.done;
}

function findArchive({ options }: CommandContext, configuration: Configuration | undefined, name: string): ArchiveConfiguration {
  const found = configuration?.archives?.find((each) => each.name === name);
  if (found !== undefined) return found;
  const there = configuration?.archives?.map((each) => each.name) ?? [];
  if (configuration === undefined) throw options.wrong('--to says where the archive goes');
  throw new HoldfastError('archive-unknown', {
    name,
    file: configuration.file,
    there: there.length === 0 ? 'it names none' : `it names ${there.join(', ')}`,
  });
}

function prefixOf({ application }: Configuration, { name }: ArchiveConfiguration): string {
  return `${application}-${name}`;
}

async function readSeal({ environment, signal }: CommandContext, { encrypt }: ArchiveConfiguration) {
  if (encrypt?.passphrase === undefined) return { gpg: encrypt?.gpg ?? [], age: encrypt?.age ?? [] };
  const { readSecret } = await import('../config/read-secret.ts');
  return { gpg: encrypt.gpg ?? [], passphrase: await readSecret(encrypt.passphrase, { environment, signal }) };
}

async function prune(
  context: CommandContext,
  configuration: Configuration,
  archive: ArchiveConfiguration,
  environment: Environment,
): Promise<ExitStatus> {
  const { options, output, clock } = context;
  if (archive.keep === undefined) throw options.wrong(`the archive "${archive.name}" has no keep rules in ${configuration.file}`);
  const { pruneArchives } = await import('../operations/archive/prune-archives.ts');
  const dryRun = options.has('dry-run');
  const report = await pruneArchives(
    { to: archive.to, prefix: prefixOf(configuration, archive), keep: archive.keep, environment, now: clock.now(), dryRun },
    context,
  );
  for (const { id, reasons } of report.keep)
    output.result({ message_type: 'keep', archive: id, reasons }, () => `keep    ${id}  ${reasons.join(', ')}`);
  for (const id of report.remove) {
    const waits = report.waiting.includes(id);
    output.result(
      { message_type: 'remove', archive: id, ...(waits ? { waiting: true } : {}) },
      () => `${waits ? 'locked ' : 'remove '} ${id}`,
    );
  }
  output.say(`${dryRun ? 'dry run: ' : ''}${report.keep.length} archives stay, ${report.remove.length} ${dryRun ? 'would go' : 'went'}`);
  return exitStatus.done;
}
