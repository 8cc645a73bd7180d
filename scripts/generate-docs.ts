/** `npm run docs`: writes the pages of docs/ that are made of the code. test/house/docs.test.ts fails while one of them is stale. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { catalogue, exitStatus } from '../src/errors.ts';
import { makeJsonSchema } from '../src/config/json-schema.ts';
import { renderCommands } from './render-commands.ts';
import { renderConfiguration } from './render-configuration.ts';
import { renderErrors } from './render-errors.ts';
import { projectRoot } from './run-program.ts';

interface Page {
  /** Relative to the project's root. */
  readonly path: string;
  /** The page as it should be now. */
  readonly render: () => Promise<string> | string;
}

export const pages: readonly Page[] = [
  { path: 'docs/errors.md', render: () => renderErrors(catalogue, exitStatus) },
  { path: 'docs/commands.md', render: async () => renderCommands(await loadProgram()) },
  {
    path: 'docs/configuration.md',
    render: async () => renderConfiguration(await readFile(join(projectRoot, 'docs/configuration.md'), 'utf8'), makeJsonSchema()),
  },
];

/** The command line's definition: `buildProgram()` of src/cli/program.ts gives commander's root command, ready but not run. */
async function loadProgram(): Promise<Command> {
  const path = join(projectRoot, 'src/cli/program.ts');
  if (!existsSync(path)) throw new Error('Cannot describe the commands: src/cli/program.ts does not exist.');
  const module: unknown = await import(pathToFileURL(path).href);
  const describe = module !== null && typeof module === 'object' && 'buildProgram' in module ? module.buildProgram : undefined;
  const program: unknown = typeof describe === 'function' ? Reflect.apply(describe, undefined, []) : undefined;
  if (!(program instanceof Command))
    throw new Error('Cannot describe the commands: buildProgram() of src/cli/program.ts gives no commander Command.');
  return program;
}

if (import.meta.main) {
  await mkdir(join(projectRoot, 'docs'), { recursive: true });
  for (const { path, render } of pages) {
    try {
      await writeFile(join(projectRoot, path), await render());
      process.stdout.write(`${path}\n`);
    } catch (error) {
      process.stderr.write(`${path} is not written. ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}
