import { expect, test } from 'vitest';
import { catalogue } from '../errors.ts';
import { shapeOf } from './command-description.ts';
import { commandList, loadCommands } from './command-list.ts';
import { globalOptions } from './global-options.ts';

const commands = await loadCommands();

/** What other programs are asked with is theirs. */
const otherPrograms = /: (?!holdfast\b)[a-z][a-z_-]+ .*$/;

test.each(Object.entries(catalogue))('the hint of %s names commands and options that exist', (_, { hint }) => {
  const named = [...hint.matchAll(/holdfast ((?:[a-z][a-z-]*\b ?){1,2})/g)].map(([, words = '']) => words.trim().split(' '));
  const found = named.map(([first = '', second = '']) => [first, `${first} ${second}`].find((name) => Object.hasOwn(commandList, name)));
  expect(found).not.toContain(undefined);
  const possible = found.length === 0 ? commands : commands.filter(({ name }) => found.includes(name));
  const known = [...possible.flatMap(({ options = [] }) => options), ...globalOptions].map((option) => shapeOf(option).name);
  const options = [...hint.replace(otherPrograms, '').matchAll(/--([a-z][a-z-]*)/g)].map(([, name]) => name);
  expect(options.filter((name) => !known.includes(name ?? ''))).toEqual([]);
});

test('the hint of a missing role names both ways out', () => {
  expect(catalogue['postgres-role-missing'].hint).toMatch(/--roles .*--no-owner /);
});
