import { exitStatus, type ExitStatus } from '../../errors.ts';
import type { Repository } from '../../engine/repository.ts';
import type { CommandContext } from '../command-context.ts';
import type { CommandDescription, OptionDescription } from '../command-description.ts';
import { givenPassword, lockChoice, openRepository } from '../open-repository.ts';
import { newPassword } from '../password-source.ts';
import { formatMoment } from '../print/quantities.ts';
import { formatTable, printable } from '../print/table.ts';

const newPasswordOptions: readonly OptionDescription[] = [
  { flags: '--new-password-file <file>', text: 'a file that holds the new password (or HOLDFAST_NEW_PASSWORD_FILE)' },
  { flags: '--new-password-command <command>', text: 'a program that prints it' },
];

export const keyListCommand: CommandDescription = {
  name: 'key list',
  description: 'Lists the keys: each is a password that opens the repository. The one in use is marked with *.',
  examples: ['key list -r /backups/app'],
  run: (context) =>
    withRepository(context, async (repository, { describeKeys }) => {
      const { keys, problems } = await describeKeys(repository);
      const { output } = context;
      for (const { id, current, created, username, hostname } of keys)
        output.result({ message_type: 'key', current, id, userName: username, hostName: hostname, created }, () => '');
      output.say(
        formatTable(
          ['', 'key', 'user', 'host', 'created'],
          keys.map(({ id, current, created, username, hostname }) => [
            current ? '*' : '',
            id.slice(0, 8),
            printable(username),
            printable(hostname),
            formatMoment(new Date(created)),
          ]),
        ),
      );
      for (const { id, reason } of problems) context.events({ type: 'problem', path: `key ${id.slice(0, 8)}`, reason });
    }),
};

export const keyAddCommand: CommandDescription = {
  name: 'key add',
  description:
    'Adds a password that opens the repository. It is taken from HOLDFAST_NEW_PASSWORD or HOLDFAST_NEW_PASSWORD_FILE, or asked for.',
  options: [...newPasswordOptions, { flags: '--user <name>', text: 'whose it is' }, { flags: '--host <name>', text: 'on which host' }],
  examples: ['key add -r /backups/app --new-password-file ./new-password'],
  run: (context) =>
    withRepository(context, async (repository, { addPassword }) => {
      const { options, output } = context;
      const [username, hostname] = [options.text('user'), options.text('host')];
      const password = await readNewPassword(context, repository);
      const id = await addPassword(
        repository,
        password,
        { ...(username === undefined ? {} : { username }), ...(hostname === undefined ? {} : { hostname }) },
        lockChoice(context),
        context,
      );
      output.result({ message_type: 'key', id, change: 'added' }, () => `key ${id.slice(0, 8)} added`);
    }),
};

export const keyRemoveCommand: CommandDescription = {
  name: 'key remove',
  description: 'Removes a key: its password does not open the repository any more. The one in use cannot be removed.',
  arguments: [{ name: '<key>', text: "the beginning of the key's id" }],
  examples: ['key remove -r /backups/app 1a2b3c4d'],
  run: (context) =>
    withRepository(context, async (repository, { removePassword }) => {
      const id = await removePassword(repository, context.args[0] ?? '', lockChoice(context), context);
      context.output.result({ message_type: 'key', id, change: 'removed' }, () => `key ${id.slice(0, 8)} removed`);
    }),
};

export const keyPasswdCommand: CommandDescription = {
  name: 'key passwd',
  description: 'Replaces the password that this command was given by a new one.',
  options: newPasswordOptions,
  examples: ['key passwd -r /backups/app'],
  run: (context) =>
    withRepository(context, async (repository, { replacePassword }) => {
      const id = await replacePassword(repository, await readNewPassword(context, repository), lockChoice(context), context);
      context.output.result({ message_type: 'key', id, change: 'replaced' }, () => `password changed; the key is ${id.slice(0, 8)} now`);
    }),
};

export const keyEscrowCommand: CommandDescription = {
  name: 'key escrow',
  description:
    'Makes a password for the safe: a key of its own, encrypted to people who can open the repository with it when nobody else can.\nWhat they decrypt is the password and nothing else. The command "holdfast key remove" takes it back.',
  options: [
    { flags: '--to <recipient>', text: 'an age recipient, a GPG key, or a file that holds one (may be repeated)' },
    { flags: '--out <file>', text: 'the file to write, which is not there yet' },
  ],
  examples: ['key escrow -r /backups/app --to age1… --out escrow.age', 'key escrow -r /backups/app --to ceo@example.org --out escrow.asc'],
  run: async (context) => {
    const { options, output, environment } = context;
    const [out, to] = [options.text('out'), options.texts('to')];
    if (out === undefined || to.length === 0) throw options.wrong('--to and --out say who can open it, and what to write');
    const { escrowPassword } = await import('../../operations/escrow/escrow-password.ts');
    const repository = await openRepository(context);
    try {
      const report = await escrowPassword(repository, { to, out, environment, lock: lockChoice(context) }, context);
      const { keyId, file, sealedBy, openCommand } = report;
      const { noteEscrow } = await import('../note-escrow.ts');
      const kit = await noteEscrow(context, report, repository.location);
      output.result(
        { message_type: 'key', id: keyId, change: 'added', file, encryption: sealedBy, ...(kit === undefined ? {} : { kit }) },
        () =>
          [
            `key ${keyId.slice(0, 8)} added; its password is in ${file}, encrypted by ${sealedBy}`,
            `to get it: ${openCommand}`,
            ...(kit === undefined ? ['note on the recovery kit where that file is kept'] : [`noted in ${kit}`]),
          ].join('\n'),
      );
      return exitStatus.done;
    } finally {
      await repository.close();
    }
  },
};

async function withRepository(
  context: CommandContext,
  work: (repository: Repository, maintain: typeof import('../../operations/maintain.ts')) => Promise<void>,
): Promise<ExitStatus> {
  const repository = await openRepository(context);
  try {
    await work(repository, await import('../../operations/maintain.ts'));
    return exitStatus.done;
  } finally {
    await repository.close();
  }
}

function readNewPassword(context: CommandContext, repository: Repository): Promise<string> {
  return givenPassword(context, newPassword, repository.location, 'new');
}
