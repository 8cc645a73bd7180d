/**
 * Reads plain command lines without commander, which takes 15 ms and 9 MB to load. Whatever is not plain (an unknown word, a missing
 * value, `--help`) is left to commander, which finds the words for it; both give the same result, and a test compares them.
 */
import {
  type ArgumentDescription,
  type CommandDescription,
  type OptionDescription,
  type OptionShape,
  shapeOf,
} from './command-description.ts';
import type { OptionValues } from './parsed-options.ts';

export interface ParsedArguments {
  readonly positional: readonly string[];
  readonly values: OptionValues;
}

/**
 * Reads the words after the command's name (and global options anywhere among them). Returns undefined where commander must look at them.
 */
export function parseArguments(
  command: Pick<CommandDescription, 'arguments' | 'options'>,
  globalOptions: readonly OptionDescription[],
  words: readonly string[],
): ParsedArguments | undefined {
  const options = [...(command.options ?? []), ...globalOptions];
  const byFlag = new Map<string, OptionShape>();
  for (const option of options) {
    const shape = shapeOf(option);
    byFlag.set(`--${shape.name}`, shape);
    if (shape.short !== undefined) byFlag.set(`-${shape.short}`, shape);
  }
  const restricted = new Map(
    options.flatMap((option) => (option.choices === undefined ? [] : [[shapeOf(option).name, option.choices] as const])),
  );
  const values = new Map<string, string[]>();
  const positional: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      positional.push(...words.slice(at + 1));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      positional.push(word);
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const shape = byFlag.get(equals === -1 ? word : word.slice(0, equals));
    if (shape === undefined || (equals !== -1 && !shape.takesValue)) return undefined;
    const given = values.get(shape.name) ?? [];
    values.set(shape.name, given);
    values.delete(shape.name.startsWith('no-') ? shape.name.slice(3) : `no-${shape.name}`); // the last of --sparse and --no-sparse counts
    if (!shape.takesValue) continue;
    if (equals !== -1) {
      given.push(word.slice(equals + 1));
    } else {
      const next = words[at + 1];
      if (next === undefined || isDashed(next)) return undefined;
      given.push(next);
      at += 1;
      while (shape.variadic && at + 1 < words.length && !isDashed(words[at + 1] ?? '')) given.push(words[(at += 1)] ?? '');
    }
    const choices = restricted.get(shape.name);
    if (choices !== undefined && !given.every((value) => choices.includes(value))) return undefined;
  }
  return fits(command.arguments ?? [], positional.length) ? { positional, values } : undefined;
}

function isDashed(word: string): boolean {
  return word.length > 1 && word.startsWith('-');
}

function fits(args: readonly ArgumentDescription[], count: number): boolean {
  const least = args.filter(({ name }) => name.startsWith('<')).length;
  const most = args.some(({ name }) => name.includes('...')) ? Number.POSITIVE_INFINITY : args.length;
  return count >= least && count <= most;
}
