/** The whole command line as commander's program, for the documentation and for whoever wants to look at it. */
import type { Command } from 'commander';
import { loadCommands } from './command-list.ts';
import { createProgram } from './commander-program.ts';

const commands = await loadCommands();

/** Every command with its arguments, options and examples; ready, but nothing in it runs. */
export function buildProgram(): Command {
  return createProgram(commands, () => {});
}
