/** The command line as commander's program: it answers `--help` and finds the words for a wrong command line. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type CommandDescription, type OptionDescription, shapeOf } from './command-description.ts';
import { commandGroups, commandList } from './command-list.ts';
import { globalOptions } from './global-options.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import { readVersion } from '../util/program-version.ts';

/** Called when a command line has been read. */
export type OnCommand = (command: CommandDescription, parsed: ParsedArguments) => void;

const about = `Backups you can prove. Repositories are in restic's format: whatever holdfast writes, restic can read.`;

const rootExamples = [
  'backup -r /backups/app --files ~/app/uploads',
  'list -r /backups/app',
  'restore latest -r /backups/app --target /tmp/back',
];

/**
 * Commander's program with every command by name and summary, and all of those that are given. Nothing is run: `onCommand` is told what
 * was read.
 */
export function createProgram(commands: readonly CommandDescription[], onCommand: OnCommand): Command {
  const program: Command = new Command('holdfast');
  program
    .description(about)
    .usage('<command> [options]')
    .exitOverride()
    .helpCommand('help [command]', 'show what a command does')
    .configureHelp({
      showGlobalOptions: true,
      // Where a command is a group too, its own options are not those of the commands below it.
      visibleGlobalOptions: (command) => (command.parent === null ? [] : program.options.filter(({ hidden }) => !hidden)),
      subcommandTerm: (command) => command.name(),
      helpWidth: process.stdout.columns ?? 100,
    });
  program.version(readVersion(), '-V, --version', 'print the version').helpOption('-h, --help', 'show this help');
  for (const option of globalOptions) program.addOption(optionOf(option));
  program.addHelpText('after', exampleText(rootExamples));
  const groups = new Map(
    Object.entries(commandGroups).map(([name, text]) => [
      name,
      new Command(name).copyInheritedSettings(program).helpCommand(false).description(text).usage('<command> [options]'),
    ]),
  );
  for (const [name, { summary }] of Object.entries(commandList)) {
    const [first = '', second] = name.split(' ');
    const group = groups.get(first);
    if (group !== undefined && group.parent === null) program.addCommand(group);
    // One word may be a command and a group: `serve`, and `serve rest`.
    const isBoth = second === undefined && group !== undefined;
    const command = isBoth
      ? group.summary(summary).usage('')
      : new Command(second ?? first).copyInheritedSettings(program).summary(summary);
    const description = commands.find((each) => each.name === name);
    if (description !== undefined) complete(command, description, program, onCommand);
    if (!isBoth) (group ?? program).addCommand(command);
  }
  return program;
}

function complete(command: Command, description: CommandDescription, program: Command, onCommand: OnCommand): void {
  command.description(description.description).allowExcessArguments(false);
  for (const argument of description.arguments ?? []) command.argument(argument.name, argument.text);
  const options = description.options ?? [];
  for (const option of options) command.addOption(optionOf(option));
  command.addHelpText('after', exampleText(description.examples));
  command.action(() => {
    const given = { ...program.opts<Record<string, unknown>>(), ...command.opts<Record<string, unknown>>() };
    onCommand(description, { positional: command.args, values: valuesOf([...options, ...globalOptions], given) });
  });
}

function optionOf(description: OptionDescription): Option {
  const option = new Option(description.flags, description.text);
  if (description.choices !== undefined) option.choices([...description.choices]);
  if (description.hidden === true) option.hideHelp();
  if (!shapeOf(description).takesValue) return option;
  const allowed = description.choices;
  return option.argParser((value: string, before: unknown) => {
    if (allowed !== undefined && !allowed.includes(value)) throw new InvalidArgumentError(`Allowed are ${allowed.join(', ')}.`);
    return Array.isArray(before) ? before.map(String).concat(value) : [value];
  });
}

function valuesOf(options: readonly OptionDescription[], given: Readonly<Record<string, unknown>>): Map<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const description of options) {
    const { name } = shapeOf(description);
    const option = new Option(description.flags);
    const value = given[option.attributeName()];
    if (Array.isArray(value)) values.set(name, value.map(String));
    else if (value === !option.negate) values.set(name, []);
  }
  return values;
}

function exampleText(examples: readonly string[]): string {
  return `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${examples.map((example) => `  holdfast ${example}`).join('\n')}`;
}
