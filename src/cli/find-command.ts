import type { CommandDescription } from './command-description.ts';
import { commandList } from './command-list.ts';
import { globalOptions } from './global-options.ts';
import { type ParsedArguments, parseArguments } from './parse-arguments.ts';

export interface FoundCommand {
  readonly command: CommandDescription;
  readonly parsed: ParsedArguments;
}

/** Reads a plain command line: the command's name first. Undefined where commander must look at it. */
export async function findCommand(words: readonly string[]): Promise<FoundCommand | undefined> {
  const [first = '', second = ''] = words;
  const isGroup = Object.hasOwn(commandList, `${first} ${second}`);
  const name = isGroup ? `${first} ${second}` : first;
  const listed = Object.hasOwn(commandList, name) ? commandList[name] : undefined;
  if (listed === undefined) return undefined;
  const command = await listed.load();
  const parsed = parseArguments(command, globalOptions, words.slice(isGroup ? 2 : 1));
  return parsed && { command, parsed };
}
