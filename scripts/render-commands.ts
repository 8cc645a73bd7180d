import type { Argument, Command, Option } from 'commander';

/** The page of every command: what it does, what it takes, an example. Hidden commands are left out. */
export function renderCommands(program: Command): string {
  const commands = leavesOf(program);
  const contents = commands.map((command) => `- [\`${nameOf(command)}\`](#${anchorOf(nameOf(command))}) ${summaryOf(command)}`);
  return `# Commands

Generated from \`src/cli/\` by \`npm run docs\`: do not edit.

${contents.join('\n')}

${optionTable(program.options, 'Options of every command')}${commands.map(renderCommand).join('\n')}`.replace(/\n+$/, '\n');
}

/** The commands that do something, in the order of \`--help\`; a command that only groups others is shown by those, and has no examples. */
function leavesOf(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help')
    .flatMap((child) => (child.commands.length > 0 ? [...(examplesOf(child) === '' ? [] : [child]), ...leavesOf(child)] : [child]));
}

function renderCommand(command: Command): string {
  const examples = examplesOf(command);
  return `## ${nameOf(command)}

${command.description()}

\`\`\`
${nameOf(command)} ${command.usage()}
\`\`\`

${argumentTable(command.registeredArguments)}${optionTable(command.createHelp().visibleOptions(command).filter(isOwn), 'Options')}${examples === '' ? '' : `Examples:\n\n\`\`\`\n${examples}\n\`\`\`\n`}`;
}

/** \`holdfast key add\` */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function summaryOf(command: Command): string {
  return command.summary() || (command.description().split('\n')[0] ?? '');
}

function isOwn(option: Option): boolean {
  return option.long !== '--help' && !option.hidden;
}

/** What \`--help\` says below its heading "Example:" or "Examples:". */
function examplesOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text), getOutHasColors: () => false });
  command.outputHelp();
  const [, examples = ''] = help.split(/^Examples?:[ \t]*\n?/m);
  const lines = examples.trimEnd().split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return lines
    .map((line) => line.slice(indent))
    .join('\n')
    .trim();
}

function argumentTable(args: readonly Argument[]): string {
  if (args.length === 0) return '';
  const rows = args.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
    return `| \`${name}\` | ${cell(argument.description)}${argument.required ? '' : ' (may be left out)'} |`;
  });
  return `| argument | |\n|---|---|\n${rows.join('\n')}\n\n`;
}

function optionTable(options: readonly Option[], title: string): string {
  const rows = options.map((option) => {
    const fallback: unknown = option.defaultValue;
    const isPlain = typeof fallback === 'string' || typeof fallback === 'number';
    const notes = [
      ...(option.argChoices === undefined ? [] : [`one of ${option.argChoices.join(', ')}`]),
      ...(isPlain ? [`default: ${option.defaultValueDescription ?? fallback}`] : []),
      ...(option.envVar === undefined ? [] : [`or ${option.envVar}`]),
    ];
    return `| \`${option.flags}\` | ${cell(option.description)}${notes.length === 0 ? '' : ` (${cell(notes.join('; '))})`} |`;
  });
  return rows.length === 0 ? '' : `${title}:\n\n| option | |\n|---|---|\n${rows.join('\n')}\n\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
