import { resolve } from 'node:path';
import { exitStatus } from '../../errors.ts';
import type { GivenPassword } from '../../operations/init/init-application.ts';
import type { Repository } from '../../engine/repository.ts';
import type { Storage } from '../../storage/storage.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription } from '../command-description.ts';
import { findPassword } from '../password-source.ts';
import { printable } from '../print/table.ts';

export const initCommand: CommandDescription = {
  name: 'init',
  description:
    'Looks around in the folder of an application (Compose file, .env, upload folders, git), and writes holdfast.yaml with a comment for everything it found. Creates the repository (./backups unless -r says where), with a strong new password in .holdfast-password unless one is given, and writes a recovery kit to print. Nothing that is there is overwritten. Nothing is connected to.',
  arguments: [{ name: '[folder]', text: "the application's folder (default: the current one)" }],
  options: [
    { flags: '-n, --dry-run', text: 'print the configuration that would be written, and write nothing' },
    { flags: '--with-password', text: 'put the password into the recovery kit, which is then to be kept like a key' },
    {
      flags: '-f, --force',
      text: 'write the configuration and the recovery kit anew where they are; a password and a repository are always kept',
    },
  ],
  examples: ['init', 'init --dry-run', 'init /srv/shop -r /mnt/backups/shop'],
  run: async (context) => {
    const { options, args, output, clock, environment, recorder } = context;
    const { initApplication, planInit } = await import('../../operations/init/init-application.ts');
    const folder = resolve(args[0] ?? '.');
    const repository = addressOf(context);
    const password = await passwordOf(context);
    const request = {
      folder,
      ...(repository === undefined ? {} : { repository }),
      ...(password === undefined ? {} : { password }),
      withPassword: options.has('with-password'),
      force: options.has('force'),
      clock,
      ...(recorder === undefined
        ? {}
        : {
            recording: { around: (storage: Storage) => recorder.around(storage), opened: (opened: Repository) => recorder.opened(opened) },
          }),
      environment,
    };
    if (options.has('dry-run')) {
      const { application, text, components } = planInit(request);
      output.result({ message_type: 'init', dry_run: true, application, text, components: recordsOf(components) }, () => text.trimEnd());
      return exitStatus.done;
    }
    const result = await initApplication(request);
    const { application, file, kit, components, repositoryWasThere, passwordFile, ignored } = result;
    output.result(
      {
        message_type: 'init',
        application,
        file,
        recovery_kit: kit,
        repository: result.repository,
        repository_created: !repositoryWasThere,
        ...(passwordFile === undefined ? {} : { password_file: passwordFile }),
        ignored,
        components: recordsOf(components),
      },
      () =>
        [
          `application    ${printable(application)}`,
          `configuration  ${file}`,
          `repository     ${result.repository}${repositoryWasThere ? ' (was there)' : ''}`,
          ...(passwordFile === undefined ? [] : [`password       ${passwordFile}`]),
          `recovery kit   ${kit}`,
          ...(ignored.length === 0 ? [] : [`.gitignore     ${ignored.join(', ')}`]),
          '',
          ...components.map(({ name, yaml, sure }) => `${sure ? 'found    ' : 'not sure '} ${printable(`${name}: ${yaml}`)}`),
        ].join('\n'),
    );
    output.remark(
      `read ${file} once, print the recovery kit, and keep the password somewhere else too: without it nothing in the repository can be read\nthen: holdfast config check, holdfast backup`,
    );
    return exitStatus.done;
  },
};

function recordsOf(components: readonly { readonly name: string; readonly yaml: string; readonly sure: boolean }[]): object[] {
  return components.map(({ name, yaml, sure }) => ({ name, what: yaml, sure }));
}

/** Relative to where one stands. */
function addressOf({ options, environment }: CommandContext): string | undefined {
  options.onlyOneOf('repo', 'repository-file');
  const given = options.text('repo') ?? (environment['HOLDFAST_REPOSITORY'] || undefined);
  if (given === undefined) return undefined;
  return /^[a-z][a-z0-9+.-]+:/i.test(given) ? given : resolve(given);
}

/** A password that was given, with where it came from: the configuration names that place, and never the password. */
async function passwordOf({ options, environment }: CommandContext): Promise<GivenPassword | undefined> {
  const text = await findPassword(options, environment);
  if (text === undefined) return undefined;
  const named = options.has('password-file') || options.has('password-command');
  const file = options.text('password-file') ?? (named ? undefined : environment['HOLDFAST_PASSWORD_FILE'] || undefined);
  const command = options.text('password-command') ?? (named ? undefined : environment['HOLDFAST_PASSWORD_COMMAND'] || undefined);
  return {
    text,
    ...(file === undefined ? {} : { file: resolve(file) }),
    ...(file !== undefined || command === undefined ? {} : { command }),
  };
}
