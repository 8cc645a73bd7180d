import { exitStatus } from '../../errors.ts';
import type { CommandDescription } from '../command-description.ts';
import { shells } from '../shells.ts';

export const completionCommand: CommandDescription = {
  name: 'completion',
  description: 'Prints a script that completes commands and options in bash, zsh or fish.',
  arguments: [{ name: '<shell>', text: `${shells.join(', ')}` }],
  examples: [
    'completion bash > ~/.local/share/bash-completion/completions/holdfast',
    'completion fish > ~/.config/fish/completions/holdfast.fish',
  ],
  run: async ({ options, args, output }) => {
    const shell = shells.find((each) => each === args[0]);
    if (shell === undefined) throw options.wrong(`"${args[0] ?? ''}" is none of ${shells.join(', ')}`);
    const { completionScript } = await import('../completion-script.ts');
    const { loadCommands } = await import('../command-list.ts');
    await output.bytes(Buffer.from(completionScript(shell, await loadCommands())));
    return exitStatus.done;
  },
};
