/** The generated pages say what the code says. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { pages } from '../../scripts/generate-docs.ts';
import { renderCommands } from '../../scripts/render-commands.ts';
import { projectRoot } from '../../scripts/run-program.ts';
import { catalogue } from '../../src/errors.ts';

test.each(pages)('$path is not stale (npm run docs writes it)', async ({ path, render }) => {
  expect(await readFile(join(projectRoot, path), 'utf8')).toBe(await render());
});

test('every error keeps the grammar: "Cannot X: Y is Z." and "Do W."', () => {
  for (const [code, { message, hint }] of Object.entries(catalogue)) {
    expect(code).toMatch(/^[a-z][a-z-]*$/);
    expect(message, code).toMatch(/^Cannot [^\n]+: [^\n]+\.$/);
    expect(hint, code).toMatch(/^[A-Z{][^\n]+$/);
  }
});

describe('the page of commands', () => {
  const program = new Command('anchor').option('-q, --quiet', 'say nothing');
  program
    .command('moor')
    .summary('make fast')
    .description('Makes the ship fast.')
    .argument('<bollard...>', 'what to make fast to')
    .option('--knot <name>', 'which | knot', 'bowline')
    .addOption(new Option('--side <side>', 'which side').choices(['port', 'starboard']).env('ANCHOR_SIDE'))
    .addOption(new Option('--secret').hideHelp())
    .addHelpText('after', '\nExample:\n  anchor moor one two\n');
  program.command('chain').description('The chain.').command('let-out').description('Lets the chain out.').argument('[metres]', 'how far');
  program.command('mutiny', { hidden: true }).description('Not to be told.');
  const page = renderCommands(program);

  test('shows usage, arguments, options and examples', () => {
    expect(page).toContain('- [`anchor moor`](#anchor-moor) make fast');
    expect(page).toContain('anchor moor [options] <bollard...>');
    expect(page).toContain('| `bollard…` | what to make fast to |');
    expect(page).toContain('| `--knot <name>` | which \\| knot (default: bowline) |');
    expect(page).toContain('| `--side <side>` | which side (one of port, starboard; or ANCHOR_SIDE) |');
    expect(page).toContain('Examples:\n\n```\nanchor moor one two\n```');
    expect(page).toContain('| `-q, --quiet` | say nothing |');
  });

  test('shows the commands of a group by their whole names', () => {
    expect(page).toContain('## anchor chain let-out');
    expect(page).toContain('| `metres` | how far (may be left out) |');
    expect(page).not.toContain('## anchor chain\n');
  });

  test('keeps hidden commands and options to itself', () => {
    expect(page).not.toContain('mutiny');
    expect(page).not.toContain('--secret');
  });
});
