/** The command lines that are not plain: help, wrong words, unusual forms. */
import { CommanderError } from 'commander';
import { HoldfastError } from '../errors.ts';
import type { CommandDescription } from './command-description.ts';
import type { FoundCommand } from './find-command.ts';
import { commandList } from './command-list.ts';
import { createProgram } from './commander-program.ts';

/** Reads a command line. Undefined where commander has answered it (`--help`, `--version`). Throws `usage` with the nearest right word. */
export async function readWithCommander(words: readonly string[]): Promise<FoundCommand | undefined> {
  let found: FoundCommand | undefined;
  let complaint = '';
  const program = createProgram(await loadNamed(words), (command, parsed) => (found = { command, parsed }));
  for (const command of [program, ...program.commands, ...program.commands.flatMap((group) => group.commands)]) {
    command.configureOutput({ writeErr: (text) => (complaint += text) });
  }
  if (words.length === 0) {
    program.outputHelp();
    return undefined;
  }
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new HoldfastError(
      'usage',
      { reason: reasonOfComplaint(complaint, words), help: `${nameOf(words, program.commands)} --help` },
      error,
    );
  }
  return found;
}

/** Only the commands that may be meant: each takes time to load. */
function loadNamed(words: readonly string[]): Promise<CommandDescription[]> {
  const named = Object.entries(commandList).filter(([name]) => name.split(' ').every((word) => words.includes(word)));
  return Promise.all(named.map(([, { load }]) => load()));
}

/** `error: unknown option '--fiels'\n(Did you mean --files?)` as the reason of a sentence. */
function reasonOfComplaint(complaint: string, words: readonly string[]): string {
  const [first = '', second = ''] = complaint.trim().split('\n');
  if (!first.startsWith('error: ')) return `"${words.join(' ')}" is only the first half of a command`;
  const [, suggestion] = /^\(Did you mean (.*)\?\)$/.exec(second) ?? [];
  return `${first.slice('error: '.length).replace(/\.$/, '')}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`.replace(
    /\?$/,
    '',
  );
}

function nameOf(
  words: readonly string[],
  commands: readonly { name(): string; readonly commands: readonly { name(): string }[] }[],
): string {
  const command = commands.find((each) => each.name() === words[0]);
  const sub = command?.commands.find((each) => each.name() === words[1]);
  return ['holdfast', ...(command === undefined ? [] : [command.name()]), ...(sub === undefined ? [] : [sub.name()])].join(' ');
}
