/** Shell completion, generated from the descriptions of the commands. Options are completed by name, their values as file names. */
import { type CommandDescription, type OptionDescription, shapeOf } from './command-description.ts';
import { commandGroups, commandList } from './command-list.ts';
import { globalOptions } from './global-options.ts';
import type { Shell } from './shells.ts';

/** The script for a shell. */
export function completionScript(shell: Shell, commands: readonly CommandDescription[]): string {
  const table = describe(commands);
  if (shell === 'fish') return fishScript(table);
  return shell === 'bash' ? bashScript(table) : `#compdef holdfast\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(table)}`;
}

interface Choice {
  readonly word: string;
  readonly text: string;
}

interface CompletionTable {
  /** First words. */
  readonly commands: readonly Choice[];
  /** Second words by the first. */
  readonly groups: ReadonlyMap<string, readonly Choice[]>;
  /** By the whole name of a command. */
  readonly options: ReadonlyMap<string, readonly OptionDescription[]>;
}

function describe(commands: readonly CommandDescription[]): CompletionTable {
  const groups = new Map<string, Choice[]>();
  const first = new Map<string, Choice>();
  for (const { name } of commands) {
    const summary = commandList[name]?.summary ?? '';
    const [word = '', second] = name.split(' ');
    first.set(word, { word, text: second === undefined ? summary : (commandGroups[word] ?? '') });
    if (second !== undefined) groups.set(word, [...(groups.get(word) ?? []), { word: second, text: summary }]);
  }
  const visible = (options: readonly OptionDescription[]): OptionDescription[] => options.filter(({ hidden }) => hidden !== true);
  const options = new Map(commands.map(({ name, options: own = [] }) => [name, visible([...own, ...globalOptions])]));
  return { commands: [...first.values()], groups, options };
}

function bashScript({ commands, groups, options }: CompletionTable): string {
  const words = (choices: readonly Choice[]): string => choices.map(({ word }) => word).join(' ');
  const cases = [...options].map(
    ([name, own]) => `    '${name}') options='${own.map((option) => `--${shapeOf(option).name}`).join(' ')} --help' ;;`,
  );
  const groupCases = [...groups].map(([name, choices]) => `    ${name}) seconds='${words(choices)}' ;;`);
  return `_holdfast() {
  local current=\${COMP_WORDS[COMP_CWORD]} command= second= seconds= options= word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
    -*) ;;
    *) if [ -z "$command" ]; then command=$word; elif [ -z "$second" ]; then second=$word; fi ;;
    esac
  done
  case $command in
    '') [ "\${current#-}" = "$current" ] && COMPREPLY=($(compgen -W '${words(commands)} help' -- "$current")) && return ;;
${groupCases.join('\n')}
  esac
  if [ -n "$seconds" ]; then
    if [ -z "$second" ]; then
      COMPREPLY=($(compgen -W "$seconds" -- "$current"))
      return
    fi
    command="$command $second"
  fi
  case $command in
${cases.join('\n')}
  esac
  case $current in
  -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
  *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _holdfast holdfast
`;
}

function fishScript({ commands, groups, options }: CompletionTable): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.map(({ word, text }) => `complete -c holdfast -n __fish_use_subcommand -f -a ${word} -d ${quote(text)}`);
  for (const [name, choices] of groups) {
    const seconds = choices.map(({ word }) => word).join(' ');
    for (const { word, text } of choices)
      lines.push(
        `complete -c holdfast -n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${seconds}' -f -a ${word} -d ${quote(text)}`,
      );
  }
  for (const [name, own] of options) {
    const condition = name
      .split(' ')
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join('; and ');
    for (const option of own) {
      const { name: long, short, takesValue } = shapeOf(option);
      lines.push(
        `complete -c holdfast -n '${condition}' -l ${long}${short === undefined ? '' : ` -s ${short}`}${takesValue ? ' -r' : ' -f'} -d ${quote(option.text)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
