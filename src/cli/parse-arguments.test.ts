import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createProgram } from './commander-program.ts';
import type { CommandDescription } from './command-description.ts';
import { commandList, loadCommands } from './command-list.ts';
import { globalOptions } from './global-options.ts';
import { type ParsedArguments, parseArguments } from './parse-arguments.ts';

const commands = await loadCommands();
const backup = commands.find(({ name }) => name === 'backup');
if (backup === undefined) throw new Error('there is a backup command');

function withCommander(command: CommandDescription, words: readonly string[]): ParsedArguments | undefined {
  let found: ParsedArguments | undefined;
  const program = createProgram(commands, (_, parsed) => (found = parsed));
  for (const each of [program, ...program.commands, ...program.commands.flatMap((group) => group.commands)])
    each.configureOutput({ writeErr: () => {} });
  try {
    program.parse([...command.name.split(' '), ...words], { from: 'user' });
  } catch {
    return undefined;
  }
  return found;
}

const sorted = (parsed: ParsedArguments | undefined): unknown =>
  parsed && { positional: parsed.positional, values: [...parsed.values].toSorted(([a], [b]) => (a < b ? -1 : 1)) };

describe('a plain command line', () => {
  test('is read without commander', () => {
    const parsed = parseArguments(backup, globalOptions, [
      '--files',
      'a',
      'b',
      '-r',
      '/repo',
      '--tag=x',
      '--tag',
      'y',
      '--json',
      '--no-lock',
      '--',
      '-z',
    ]);
    expect(parsed?.positional).toEqual(['-z']);
    expect(Object.fromEntries(parsed?.values ?? [])).toEqual({
      'files': ['a', 'b'],
      'repo': ['/repo'],
      'tag': ['x', 'y'],
      'json': [],
      'no-lock': [],
    });
  });

  test.each([['--fiels', 'x'], ['--files'], ['--repo', '-x'], ['--json=1'], ['--compression', 'fast'], ['--help'], ['-qv']])(
    '%s %s is left to commander',
    (...words) => {
      expect(parseArguments(backup, globalOptions, words)).toBeUndefined();
    },
  );

  test('is read as commander reads it, whatever its words', () => {
    const word = fc.constantFrom(
      'a',
      'b c',
      '',
      '-',
      '--',
      '-5',
      'auto',
      '--files',
      '--files=x',
      '-r',
      '--repo',
      '--json',
      '-q',
      '-n',
      '--tag',
      '--exclude',
      '-e',
      '--compression',
      '--no-lock',
      '--sparse',
      '--no-sparse',
      '--target',
      '--overwrite',
      'never',
      '-x',
      '--what',
    );
    fc.assert(
      fc.property(fc.constantFrom(...commands), fc.array(word, { maxLength: 6 }), (command, words) => {
        const parsed = parseArguments(command, globalOptions, words);
        if (parsed !== undefined) expect(sorted(parsed)).toEqual(sorted(withCommander(command, words)));
      }),
      { numRuns: 400 },
    );
  });
});

describe('the descriptions', () => {
  test.each(commands)('$name is listed under its name, and explains itself', (command) => {
    expect(Object.keys(commandList)).toContain(command.name);
    expect(command.description).toMatch(/\.$/);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) expect(example.startsWith(command.name)).toBe(true);
  });

  test.each(commands)('no option of $name is there twice', ({ options = [] }) => {
    const words = [...options, ...globalOptions, { flags: '-h, --help' }, { flags: '-V, --version' }].flatMap(({ flags }) =>
      flags
        .split(' ')
        .filter((part) => part.startsWith('-'))
        .map((part) => part.replace(',', '')),
    );
    expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
  });
});
